package dev.coppice.gateway;

import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What an operator chooses for the gateway. Immutable.
 *
 * @param pool IP addresses of this machine that Gateways get, the first first. Gateways may also ask for loopback addresses, and for
 *     no others
 */
public record GatewayOptions(List<String> pool) {

    /** Loopback only: nobody beyond this machine reaches a Gateway unless the operator says otherwise. */
    public static final GatewayOptions DEFAULT = new GatewayOptions(loopback());

    public GatewayOptions {
        pool = List.copyOf(pool);
        for (String address : pool) {
            try {
                InetAddress _ = InetAddress.ofLiteral(address);
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        "gateway address \"" + address + "\": expected an IP address of this machine", e);
            }
        }
    }

    /** Linux answers at all of 127.0.0.0/8; elsewhere only the first has an interface. */
    private static List<String> loopback() {
        List<String> all = new ArrayList<>();
        all.add("127.0.0.1");
        if (System.getProperty("os.name", "").toLowerCase(Locale.ROOT).contains("linux")) {
            for (int i = 1; i <= 254; i++) {
                all.add("127.0.1." + i);
            }
        }
        return all;
    }

    /** Whether a Gateway may have an address: a loopback address, or one of the pool, which this machine has. */
    public boolean usable(String address) {
        try {
            InetAddress parsed = InetAddress.ofLiteral(address);
            if (!parsed.isLoopbackAddress() && !pool.contains(address)) {
                return false;
            }
            boolean all =
                    System.getProperty("os.name", "").toLowerCase(Locale.ROOT).contains("linux")
                            && parsed.isLoopbackAddress()
                            && parsed.getAddress().length == 4;
            return all || parsed.isAnyLocalAddress() || NetworkInterface.getByInetAddress(parsed) != null;
        } catch (IllegalArgumentException | SocketException e) {
            return false;
        }
    }
}
