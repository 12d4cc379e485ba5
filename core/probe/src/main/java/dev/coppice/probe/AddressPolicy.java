package dev.coppice.probe;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which addresses probes may talk to. It is asked after resolution, for every connection and so for every redirect, and the
 * connection goes to the very address that was judged: a name that changes its mind between look-ups gains nothing.
 *
 * @param allowLinkLocal permits link-local and cloud metadata addresses
 */
public record AddressPolicy(boolean allowLinkLocal) {

    /** Refuses link-local and cloud metadata addresses. */
    public static final AddressPolicy STRICT = new AddressPolicy(false);

    /** Refuses only what is no unicast address. */
    public static final AddressPolicy OPEN = new AddressPolicy(true);

    private record Block(byte[] prefix, int bits, String what) {
        static Block of(String hex, int bits, String what) {
            return new Block(HexFormat.of().parseHex(hex), bits, what);
        }

        boolean contains(byte[] address) {
            if (address.length != prefix.length) {
                return false;
            }
            int whole = bits / 8;
            if (!Arrays.equals(address, 0, whole, prefix, 0, whole)) {
                return false;
            }
            int rest = bits % 8;
            return rest == 0 || ((address[whole] ^ prefix[whole]) & 0xff) >> (8 - rest) == 0;
        }
    }

    private static final List<Block> LOCAL = List.of(
            Block.of("a9fe0000", 16, "a link-local or cloud metadata address (169.254.0.0/16)"),
            Block.of("6464 64c8".replace(" ", ""), 32, "Alibaba Cloud's metadata address"),
            Block.of("a83f8110", 32, "Azure's platform address"),
            Block.of("c00000c0", 32, "Oracle Cloud's metadata address"),
            Block.of("fe800000000000000000000000000000", 10, "a link-local address (fe80::/10)"),
            Block.of("fd000ec2000000000000000000000000", 32, "AWS's metadata addresses (fd00:ec2::/32)"),
            Block.of("fd2000ce000000000000000000000000", 32, "Google Cloud's metadata addresses (fd20:ce::/32)"));

    /** Why the address is refused, in words; null when it may be probed. */
    public @Nullable String refusal(InetAddress address) {
        if (address.isMulticastAddress()) {
            return address.getHostAddress() + " is a multicast address";
        }
        var bytes = address.getAddress();
        if (bytes.length == 4 && (bytes[0] & 0xff) == 255) {
            return address.getHostAddress() + " is a broadcast address";
        }
        if (allowLinkLocal) {
            return null;
        }
        var what = forbidden(bytes);
        if (what == null && address instanceof Inet6Address) {
            var embedded = embeddedIpv4(bytes);
            what = embedded == null ? null : forbidden(embedded);
        }
        return what == null ? null : address.getHostAddress() + " is " + what;
    }

    private static @Nullable String forbidden(byte[] bytes) {
        for (var block : LOCAL) {
            if (block.contains(bytes)) {
                return block.what();
            }
        }
        return null;
    }

    /** The IPv4 address that NAT64 (RFC 6052), 6to4 (RFC 3056) and IPv4-compatible addresses stand for. */
    private static byte @Nullable [] embeddedIpv4(byte[] a) {
        if (a[0] == 0 && a[1] == 0x64 && (a[2] & 0xff) == 0xff && (a[3] & 0xff) == 0x9b) {
            return Arrays.copyOfRange(a, 12, 16);
        }
        if (a[0] == 0x20 && a[1] == 0x02) {
            return Arrays.copyOfRange(a, 2, 6);
        }
        for (int i = 0; i < 10; i++) {
            if (a[i] != 0) {
                return null;
            }
        }
        return Arrays.copyOfRange(a, 12, 16);
    }
}
