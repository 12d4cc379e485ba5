package dev.coppice.gateway.mesh;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A range of IPv4 loopback addresses in CIDR notation, such as {@code 127.96.0.0/16}. Its first and last address are nobody's. Immutable.
 *
 * @param first its first address, as a number
 * @param bits how many of 32 bits its addresses have in common
 */
public record AddressRange(int first, int bits) {
    private static final int LEAST_BITS = 12;
    private static final int MOST_BITS = 30;
    private static final int LOOPBACK = 127;

    public AddressRange {
        if (bits < LEAST_BITS || bits > MOST_BITS || (first & ~mask(bits)) != 0 || first >>> 24 != LOOPBACK) {
            throw new IllegalArgumentException(first + "/" + bits);
        }
    }

    /** Why a text is no range; empty when it is one. */
    public static Optional<String> problem(String text) {
        try {
            AddressRange _ = parse(text);
            return Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.ofNullable(e.getMessage());
        }
    }

    /**
     * The range that a text says.
     *
     * @throws IllegalArgumentException with what is wrong, when something is
     */
    public static AddressRange parse(String text) {
        int slash = text.indexOf('/');
        Integer address = slash < 0 ? null : number(text.substring(0, slash));
        int bits = bits(slash < 0 ? "" : text.substring(slash + 1));
        if (address == null || bits < 0) {
            throw new IllegalArgumentException(
                    "\"" + text + "\": expected a range of IPv4 addresses, such as 127.96.0.0/16");
        }
        if (bits < LEAST_BITS || bits > MOST_BITS) {
            throw new IllegalArgumentException("\"" + text + "\": expected a range of /" + LEAST_BITS + " to /"
                    + MOST_BITS + ", such as 127.96.0.0/16");
        }
        if (address >>> 24 != LOOPBACK) {
            throw new IllegalArgumentException("\"" + text + "\": expected a range of loopback addresses (127.0.0.0/8),"
                    + " which nobody beyond this machine reaches");
        }
        if ((address & ~mask(bits)) != 0) {
            throw new IllegalArgumentException("\"" + text + "\": bits after the first " + bits + " are set; expected "
                    + text(address & mask(bits)) + "/" + bits);
        }
        return new AddressRange(address, bits);
    }

    private static int bits(String text) {
        return text.matches("[0-9]{1,2}") ? Integer.parseInt(text) : -1;
    }

    private static int mask(int bits) {
        return -1 << (32 - bits);
    }

    private static @Nullable Integer number(String address) {
        try {
            return InetAddress.ofLiteral(address.toLowerCase(Locale.ROOT)) instanceof Inet4Address four
                            && four.getHostAddress().equals(address)
                    ? ByteBuffer.wrap(four.getAddress()).getInt()
                    : null;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static String text(int address) {
        return (address >>> 24) + "." + (address >>> 16 & 255) + "." + (address >>> 8 & 255) + "." + (address & 255);
    }

    /** How many addresses Services may have. */
    public int size() {
        return (1 << (32 - bits)) - 2;
    }

    /** One of those that Services may have, from 0. */
    String address(int index) {
        return text(first + 1 + index);
    }

    /** Which of those that Services may have an address is; -1 for any other. */
    int index(String address) {
        Integer number = number(address);
        return number != null && (number & mask(bits)) == first && number != first && number != (first | ~mask(bits))
                ? number - first - 1
                : -1;
    }

    /** Whether it has an address, be it one for Services or not. Texts that are no IPv4 addresses are in no range. */
    public boolean contains(String address) {
        Integer number = number(address);
        return number != null && (number & mask(bits)) == first;
    }

    @Override
    public String toString() {
        return text(first) + "/" + bits;
    }
}
