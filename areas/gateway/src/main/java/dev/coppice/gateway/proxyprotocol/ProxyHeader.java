package dev.coppice.gateway.proxyprotocol;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/** Reads and writes headers of the PROXY protocol. Pure functions. */
public final class ProxyHeader {
    /** Bytes of the longest header that is read, with all that is added to the addresses. */
    public static final int MOST_BYTES = 4096;

    private static final byte[] SIGNATURE = {'\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};
    private static final byte[] WORD = "PROXY ".getBytes(StandardCharsets.US_ASCII);
    /** With its end (2.1). */
    private static final int MOST_LINE = 107;

    private static final int FIXED = 16;
    private static final int LOCAL = 0x20;
    private static final int PROXY = 0x21;
    private static final int STREAM = 1;
    private static final int DATAGRAM = 2;
    private static final int IPV4 = 1;
    private static final int IPV6 = 2;
    private static final int UNIX = 3;
    private static final int TLV_AUTHORITY = 0x02;
    private static final int TLV_CHECKSUM = 0x03;
    private static final int TLV_HEAD = 3;
    private static final int CHECKSUM_BYTES = 4;
    private static final int MOST_AUTHORITY = 255;

    private ProxyHeader() {}

    /** What the first bytes of a connection are. */
    public sealed interface Reading {
        /** They may become a header: more have to come. */
        record Incomplete() implements Reading {}

        /** They are none. */
        record Absent() implements Reading {}

        /** They begin like one, and are none. */
        record Malformed(String why) implements Reading {}

        /**
         * A header.
         *
         * @param bytes that it has
         * @param ends null: the proxy speaks for itself, or of what is no connection of IP
         */
        record Found(int bytes, @Nullable ConnectionEnds ends) implements Reading {}
    }

    private static final Reading INCOMPLETE = new Reading.Incomplete();
    private static final Reading ABSENT = new Reading.Absent();

    /** Reads what stands at a buffer's position, which stays as it is. */
    public static Reading read(ByteBuffer in) {
        if (!in.hasRemaining()) {
            return INCOMPLETE;
        }
        return in.get(in.position()) == SIGNATURE[0] ? binary(in.slice()) : line(in.slice());
    }

    private static boolean begins(ByteBuffer in, byte[] with) {
        for (int i = 0; i < Math.min(with.length, in.limit()); i++) {
            if (in.get(i) != with[i]) {
                return false;
            }
        }
        return true;
    }

    private static Reading malformed(String why) {
        return new Reading.Malformed(why);
    }

    // ---- version 1

    private static Reading line(ByteBuffer in) {
        if (!begins(in, WORD)) {
            return ABSENT;
        }
        int end = WORD.length;
        while (end < in.limit() && end < MOST_LINE && in.get(end) != '\n') {
            end++;
        }
        if (end >= MOST_LINE) {
            return malformed("a line of more than " + MOST_LINE + " bytes");
        }
        if (end >= in.limit()) {
            return INCOMPLETE;
        }
        if (in.get(end - 1) != '\r') {
            return malformed("a line without CR before its LF");
        }
        byte[] text = new byte[end - 1 - WORD.length];
        in.get(WORD.length, text);
        return line(new String(text, StandardCharsets.ISO_8859_1), end + 1);
    }

    private static Reading line(String text, int bytes) {
        if (text.equals("UNKNOWN") || text.startsWith("UNKNOWN ")) {
            return new Reading.Found(bytes, null);
        }
        String[] parts = text.split(" ", -1);
        boolean six = parts[0].equals("TCP6");
        if (parts.length != 5 || !six && !parts[0].equals("TCP4")) {
            return malformed("expected TCP4, TCP6 or UNKNOWN, two addresses and two ports");
        }
        InetSocketAddress source = end(six, parts[1], parts[3]);
        InetSocketAddress destination = end(six, parts[2], parts[4]);
        return source == null || destination == null
                ? malformed("an address or port that is none")
                : new Reading.Found(bytes, new ConnectionEnds(source, destination, ""));
    }

    private static @Nullable InetSocketAddress end(boolean six, String address, String port) {
        byte[] bytes = six ? Literals.ipv6(address) : Literals.ipv4(address);
        int number = Literals.number(port, 65535);
        return bytes == null || number < 0 ? null : end(bytes, number);
    }

    private static InetSocketAddress end(byte[] address, int port) {
        try {
            return new InetSocketAddress(InetAddress.getByAddress(address), port);
        } catch (UnknownHostException e) {
            throw new IllegalStateException("4 or 16 bytes are an address", e);
        }
    }

    // ---- version 2

    private static Reading binary(ByteBuffer in) {
        if (!begins(in, SIGNATURE)) {
            return ABSENT;
        }
        if (in.limit() < FIXED) {
            return INCOMPLETE;
        }
        int bytes = FIXED + (in.getShort(14) & 0xFFFF);
        if (bytes > MOST_BYTES) {
            return malformed(bytes + " bytes; there may be " + MOST_BYTES);
        }
        int command = in.get(12) & 0xFF;
        if (command != LOCAL && command != PROXY) {
            return malformed("a version or command other than 2 with LOCAL or PROXY");
        }
        if (in.limit() < bytes) {
            return INCOMPLETE;
        }
        int family = (in.get(13) & 0xFF) >> 4;
        int addressBytes = switch (family) {
            case IPV4 -> 12;
            case IPV6 -> 36;
            case UNIX -> 216;
            default -> 0;
        };
        if (family > UNIX || (in.get(13) & 0x0F) > 2) {
            return malformed("an address family or transport that is none");
        }
        // What is said of LOCAL connections is to be left alone (2.2).
        if (command == LOCAL) {
            return new Reading.Found(bytes, null);
        }
        if (FIXED + addressBytes > bytes) {
            return malformed("fewer bytes than its addresses have");
        }
        StringBuilder authority = new StringBuilder();
        String problem = additions(in, FIXED + addressBytes, bytes, authority);
        if (problem != null) {
            return malformed(problem);
        }
        ConnectionEnds ends =
                (family == IPV4 || family == IPV6) ? ends(in, (addressBytes - 4) / 2, authority.toString()) : null;
        return new Reading.Found(bytes, ends);
    }

    private static ConnectionEnds ends(ByteBuffer in, int length, String authority) {
        byte[] source = new byte[length];
        byte[] destination = new byte[length];
        in.get(FIXED, source);
        in.get(FIXED + length, destination);
        int ports = FIXED + 2 * length;
        return new ConnectionEnds(
                end(source, in.getShort(ports) & 0xFFFF), end(destination, in.getShort(ports + 2) & 0xFFFF), authority);
    }

    /** What is wrong with what follows the addresses; null: nothing. */
    private static @Nullable String additions(ByteBuffer in, int from, int to, StringBuilder authority) {
        int at = from;
        while (at < to) {
            if (to - at < TLV_HEAD) {
                return "an addition without its length";
            }
            int type = in.get(at) & 0xFF;
            int length = in.getShort(at + 1) & 0xFFFF;
            at += TLV_HEAD;
            if (length > to - at) {
                return "an addition that is longer than the header";
            }
            if (type == TLV_AUTHORITY) {
                if (length > MOST_AUTHORITY || !name(in, at, length, authority)) {
                    return "an authority that is no host name";
                }
            } else if (type == TLV_CHECKSUM && (length != CHECKSUM_BYTES || !checked(in, at, to))) {
                return "a checksum that is wrong";
            }
            at += length;
        }
        return null;
    }

    /** Host names are ASCII here: nothing else comes from TLS (RFC 6066, 3). */
    private static boolean name(ByteBuffer in, int at, int length, StringBuilder to) {
        to.setLength(0);
        for (int i = at; i < at + length; i++) {
            byte c = in.get(i);
            if (c <= ' ' || c == 0x7F) {
                return false;
            }
            to.append((char) c);
        }
        return true;
    }

    private static boolean checked(ByteBuffer in, int at, int to) {
        byte[] header = new byte[to];
        in.get(0, header);
        for (int i = at; i < at + CHECKSUM_BYTES; i++) {
            header[i] = 0;
        }
        CRC32C sum = new CRC32C();
        sum.update(header);
        return (int) sum.getValue() == in.getInt(at);
    }

    // ---- writing

    /** What a header says of a connection, as a line of version 1; of none when {@code ends} is null. */
    public static byte[] line(@Nullable ConnectionEnds ends) {
        if (ends == null) {
            return "PROXY UNKNOWN\r\n".getBytes(StandardCharsets.US_ASCII);
        }
        boolean six = six(ends);
        String text = "PROXY " + (six ? "TCP6 " : "TCP4 ") + text(ends.sourceAddress(), six) + " "
                + text(ends.destinationAddress(), six) + " " + ends.source().getPort() + " "
                + ends.destination().getPort() + "\r\n";
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    /** The same in the binary form of version 2, with the authority; of the proxy itself (LOCAL) when {@code ends} is null. */
    public static byte[] binary(@Nullable ConnectionEnds ends) {
        if (ends == null) {
            return ByteBuffer.allocate(FIXED)
                    .put(SIGNATURE)
                    .put((byte) LOCAL)
                    .put((byte) 0)
                    .putShort((short) 0)
                    .array();
        }
        return binary(ends, STREAM);
    }

    /** A header of version 2 for a datagram, which stands before what that says. */
    public static byte[] datagram(ConnectionEnds ends) {
        return binary(ends, DATAGRAM);
    }

    private static byte[] binary(ConnectionEnds ends, int transport) {
        boolean six = six(ends);
        byte[] source = bytes(ends.sourceAddress(), six);
        byte[] destination = bytes(ends.destinationAddress(), six);
        byte[] name = ends.authority().getBytes(StandardCharsets.UTF_8);
        int more = name.length == 0 || name.length > MOST_AUTHORITY ? 0 : TLV_HEAD + name.length;
        int length = 2 * source.length + 4 + more;
        ByteBuffer out = ByteBuffer.allocate(FIXED + length)
                .put(SIGNATURE)
                .put((byte) PROXY)
                .put((byte) ((six ? IPV6 : IPV4) << 4 | transport))
                .putShort((short) length)
                .put(source)
                .put(destination)
                .putShort((short) ends.source().getPort())
                .putShort((short) ends.destination().getPort());
        if (more > 0) {
            out.put((byte) TLV_AUTHORITY).putShort((short) name.length).put(name);
        }
        return out.array();
    }

    /** Both ends have to be of one family: an IPv4 address beside one of IPv6 is written as that (RFC 4291, 2.5.5.2). */
    private static boolean six(ConnectionEnds ends) {
        return ends.sourceAddress().getAddress().length > 4
                || ends.destinationAddress().getAddress().length > 4;
    }

    private static String text(InetAddress address, boolean six) {
        byte[] bytes = address.getAddress();
        if (six && bytes.length == 4) {
            return "::ffff:" + address.getHostAddress();
        }
        String text = address.getHostAddress();
        int zone = text.indexOf('%');
        return zone < 0 ? text : text.substring(0, zone);
    }

    private static byte[] bytes(InetAddress address, boolean six) {
        byte[] bytes = address.getAddress();
        if (!six || bytes.length > 4) {
            return bytes;
        }
        return ByteBuffer.allocate(16)
                .putShort(10, (short) 0xFFFF)
                .put(12, bytes)
                .array();
    }
}
