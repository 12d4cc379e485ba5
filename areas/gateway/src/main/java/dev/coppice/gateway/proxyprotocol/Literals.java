package dev.coppice.gateway.proxyprotocol;

import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/** IP addresses and numbers as texts, read strictly: there is one way to write each part, and nothing around it. Pure functions. */
final class Literals {
    private static final int MOST_ADDRESS = 45;

    private Literals() {}

    /** The bytes of an IPv4 address (four decimal numbers) or IPv6 address (RFC 4291, 2.2); null when it is neither. */
    static byte @Nullable [] address(String text) {
        return text.indexOf(':') < 0 ? ipv4(text) : ipv6(text);
    }

    static byte @Nullable [] ipv4(String text) {
        String[] parts = text.split("\\.", -1);
        if (parts.length != 4) {
            return null;
        }
        byte[] bytes = new byte[4];
        for (int i = 0; i < 4; i++) {
            int part = number(parts[i], 255);
            if (part < 0) {
                return null;
            }
            bytes[i] = (byte) part;
        }
        return bytes;
    }

    static byte @Nullable [] ipv6(String text) {
        if (text.length() > MOST_ADDRESS || text.indexOf(':') < 0) {
            return null;
        }
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c != ':' && c != '.' && Character.digit(c, 16) < 0 || c > 'f') {
                return null;
            }
        }
        try {
            // One that stands for an IPv4 address comes back as such.
            return InetAddress.ofLiteral(text).getAddress();
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** A decimal number from 0 without leading zeros; -1 when it is none, or more than {@code most}. */
    static int number(String text, int most) {
        if (text.isEmpty() || text.length() > 5 || text.length() > 1 && text.charAt(0) == '0') {
            return -1;
        }
        int number = 0;
        for (int i = 0; i < text.length(); i++) {
            int digit = text.charAt(i) - '0';
            if (digit < 0 || digit > 9) {
                return -1;
            }
            number = number * 10 + digit;
        }
        return number > most ? -1 : number;
    }
}
