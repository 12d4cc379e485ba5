package dev.coppice.expression;

import static dev.cel.common.types.SimpleType.BOOL;
import static dev.cel.common.types.SimpleType.INT;
import static dev.cel.common.types.SimpleType.STRING;

import com.google.common.net.InetAddresses;
import dev.cel.common.types.OpaqueType;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Kubernetes' IP and CIDR libraries. No names are resolved; zones and IPv4-mapped IPv6 addresses are refused. */
final class Networks {
    private Networks() {}

    static final String IP_TYPE_NAME = "net.IP";
    static final String CIDR_TYPE_NAME = "net.CIDR";
    private static final OpaqueType IP = OpaqueType.create(IP_TYPE_NAME);
    private static final OpaqueType CIDR = OpaqueType.create(CIDR_TYPE_NAME);

    static void addTo(Library library) {
        library.global("ip", "string_to_ip", a -> ip((String) a[0]), IP, STRING);
        library.global("isIP", "is_ip", a -> parseIp((String) a[0]).isPresent(), BOOL, STRING);
        library.global(
                "ip.isCanonical",
                "ip_is_canonical",
                a -> ip((String) a[0]).toString().equals(a[0]),
                BOOL,
                STRING);
        library.member("family", "ip_family", a -> address(a) instanceof Inet4Address ? 4L : 6L, INT, IP);
        library.member("isUnspecified", "ip_is_unspecified", a -> address(a).isAnyLocalAddress(), BOOL, IP);
        library.member("isLoopback", "ip_is_loopback", a -> address(a).isLoopbackAddress(), BOOL, IP);
        library.member(
                "isLinkLocalMulticast", "ip_is_link_local_multicast", a -> isLinkLocalMulticast(address(a)), BOOL, IP);
        library.member(
                "isLinkLocalUnicast",
                "ip_is_link_local_unicast",
                a -> address(a).isLinkLocalAddress(),
                BOOL,
                IP);
        library.member("isGlobalUnicast", "ip_is_global_unicast", a -> isGlobalUnicast(address(a)), BOOL, IP);
        library.global("string", "ip_to_string", a -> a[0].toString(), STRING, IP);
        library.global("cidr", "string_to_cidr", a -> cidr((String) a[0]), CIDR, STRING);
        library.global("isCIDR", "is_cidr", a -> parseCidr((String) a[0]).isPresent(), BOOL, STRING);
        library.global("string", "cidr_to_string", a -> a[0].toString(), STRING, CIDR);
        library.member(
                "containsIP", "cidr_contains_ip_ip", a -> ((Cidr) a[0]).contains(((Ip) a[1]).address), BOOL, CIDR, IP);
        library.member(
                "containsIP",
                "cidr_contains_ip_string",
                a -> ((Cidr) a[0]).contains(ip((String) a[1]).address),
                BOOL,
                CIDR,
                STRING);
        library.member(
                "containsCIDR", "cidr_contains_cidr", a -> ((Cidr) a[0]).contains((Cidr) a[1]), BOOL, CIDR, CIDR);
        library.member(
                "containsCIDR",
                "cidr_contains_cidr_string",
                a -> ((Cidr) a[0]).contains(cidr((String) a[1])),
                BOOL,
                CIDR,
                STRING);
        library.member("ip", "cidr_ip", a -> new Ip(((Cidr) a[0]).address), IP, CIDR);
        library.member("masked", "cidr_masked", a -> ((Cidr) a[0]).masked(), CIDR, CIDR);
        library.member("prefixLength", "cidr_prefix_length", a -> (long) ((Cidr) a[0]).length, INT, CIDR);
    }

    /** An address. */
    static final class Ip extends Opaque {
        private final InetAddress address;

        Ip(InetAddress address) {
            super(IP);
            this.address = address;
        }

        @Override
        Object content() {
            return address;
        }

        @Override
        public String toString() {
            return InetAddresses.toAddrString(address);
        }
    }

    /** An address with the length of its prefix. */
    static final class Cidr extends Opaque {
        private final InetAddress address;
        private final int length;

        Cidr(InetAddress address, int length) {
            super(CIDR);
            this.address = address;
            this.length = length;
        }

        @Override
        Object content() {
            return List.of(address, length);
        }

        @Override
        public String toString() {
            return InetAddresses.toAddrString(address) + "/" + length;
        }

        boolean contains(InetAddress other) {
            byte[] mine = address.getAddress();
            byte[] its = other.getAddress();
            return mine.length == its.length && Arrays.equals(mask(mine, length), mask(its, length));
        }

        boolean contains(Cidr other) {
            return other.length >= length && contains(other.address);
        }

        Cidr masked() {
            try {
                return new Cidr(InetAddress.getByAddress(mask(address.getAddress(), length)), length);
            } catch (java.net.UnknownHostException e) {
                throw new IllegalStateException(e); // only for a wrong number of bytes
            }
        }
    }

    private static byte[] mask(byte[] address, int length) {
        byte[] masked = address.clone();
        for (int i = 0; i < masked.length; i++) {
            int bits = Math.clamp(length - 8L * i, 0, 8);
            masked[i] = (byte) (masked[i] & (0xFF00 >> bits));
        }
        return masked;
    }

    private static InetAddress address(Object[] arguments) {
        return ((Ip) arguments[0]).address;
    }

    private static Ip ip(String text) {
        return parseIp(text)
                .orElseThrow(() -> new FunctionException("IP Address '" + text
                        + "' parse error during conversion from string: write an IPv4 or IPv6 address"));
    }

    private static Optional<Ip> parseIp(String text) {
        boolean mapped = text.contains(":") && text.contains(".");
        return text.contains("%") || mapped || !InetAddresses.isInetAddress(text)
                ? Optional.empty()
                : Optional.of(new Ip(InetAddresses.forString(text)));
    }

    private static Cidr cidr(String text) {
        return parseCidr(text)
                .orElseThrow(() -> new FunctionException("network address '" + text
                        + "' parse error during conversion from string: write it as 10.0.0.0/8"));
    }

    private static Optional<Cidr> parseCidr(String text) {
        int slash = text.indexOf('/');
        if (slash < 0 || !text.substring(slash + 1).matches("0|[1-9]\\d{0,2}")) {
            return Optional.empty();
        }
        int length = Integer.parseInt(text.substring(slash + 1));
        return parseIp(text.substring(0, slash))
                .filter(ip -> length <= ip.address.getAddress().length * 8)
                .map(ip -> new Cidr(ip.address, length));
    }

    private static boolean isLinkLocalMulticast(InetAddress address) {
        byte[] bytes = address.getAddress();
        return bytes.length == 4
                ? (bytes[0] & 0xff) == 224 && bytes[1] == 0 && bytes[2] == 0
                : (bytes[0] & 0xff) == 0xff && (bytes[1] & 0x0f) == 0x02;
    }

    private static boolean isGlobalUnicast(InetAddress address) {
        byte[] bytes = address.getAddress();
        boolean broadcast = bytes.length == 4 && Arrays.equals(bytes, new byte[] {-1, -1, -1, -1});
        return !broadcast
                && !address.isAnyLocalAddress()
                && !address.isLoopbackAddress()
                && !address.isMulticastAddress()
                && !address.isLinkLocalAddress();
    }
}
