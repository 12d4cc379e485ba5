package dev.coppice.gateway.proxyprotocol;

import java.net.InetAddress;

/** IP addresses that begin with the same bits (CIDR, RFC 4632). Immutable. */
public final class AddressRange {
    private final byte[] network;
    private final int bits;

    private AddressRange(byte[] network, int bits) {
        this.network = network;
        this.bits = bits;
    }

    /**
     * Reads a range such as {@code 10.0.0.0/8} or {@code fd00::/8}, or a single address.
     *
     * @throws IllegalArgumentException when it is none; the message says what was expected
     */
    public static AddressRange of(String text) {
        int slash = text.indexOf('/');
        String address = slash < 0 ? text : text.substring(0, slash);
        byte[] network = Literals.address(address);
        if (network == null) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is no range of addresses; expected such as 10.0.0.0/8 or fd00::/8");
        }
        int most = network.length * Byte.SIZE;
        int bits = slash < 0 ? most : Literals.number(text.substring(slash + 1), most);
        if (bits < 0) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is no range of addresses; expected 0 to " + most + " after the slash");
        }
        return new AddressRange(network, bits);
    }

    /** Whether an address is one of them. IPv4 addresses are none of IPv6. */
    public boolean contains(InetAddress address) {
        byte[] bytes = address.getAddress();
        if (bytes.length != network.length) {
            return false;
        }
        int whole = bits / Byte.SIZE;
        for (int i = 0; i < whole; i++) {
            if (bytes[i] != network[i]) {
                return false;
            }
        }
        int rest = bits % Byte.SIZE;
        return rest == 0 || (bytes[whole] ^ network[whole]) >> (Byte.SIZE - rest) == 0;
    }
}
