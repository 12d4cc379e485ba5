package dev.coppice.gateway.log;

/** Puts untrusted text into lines, so that it can neither end a line nor pretend to be another field. Pure functions. */
public final class Escapes {
    private Escapes() {}

    /** As a string of JSON, in ASCII, with its quotation marks. */
    public static void json(StringBuilder to, String text) {
        to.append('"');
        jsonPart(to, text);
        to.append('"');
    }

    /** The same without its quotation marks. */
    public static void jsonPart(StringBuilder to, String text) {
        if (plain(text)) {
            to.append(text);
            return;
        }
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (plain(c)) {
                to.append(c);
            } else if (c == '"' || c == '\\') {
                to.append('\\').append(c);
            } else {
                to.append("\\u");
                hex(to, c, 12);
            }
        }
    }

    /** As Apache does it: {@code \"}, {@code \\}, and {@code \xHH} for what is no printable ASCII. */
    static void text(StringBuilder to, String text) {
        if (plain(text)) {
            to.append(text);
            return;
        }
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (plain(c)) {
                to.append(c);
            } else if (c == '"' || c == '\\') {
                to.append('\\').append(c);
            } else if (c > 0xFF) {
                to.append("\\u");
                hex(to, c, 12);
            } else {
                to.append("\\x");
                hex(to, c, 4);
            }
        }
    }

    /** Most text is, and is copied as a whole. */
    private static boolean plain(String text) {
        for (int i = 0; i < text.length(); i++) {
            if (!plain(text.charAt(i))) {
                return false;
            }
        }
        return true;
    }

    private static boolean plain(char c) {
        return c >= ' ' && c < 0x7F && c != '"' && c != '\\';
    }

    private static void hex(StringBuilder to, char c, int from) {
        for (int shift = from; shift >= 0; shift -= 4) {
            to.append(Character.forDigit(c >> shift & 15, 16));
        }
    }
}
