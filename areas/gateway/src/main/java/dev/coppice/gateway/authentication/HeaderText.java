package dev.coppice.gateway.authentication;

import java.nio.charset.StandardCharsets;

/** Texts as values of headers: whatever is not printable ASCII, and the percent sign, is written as in URLs. */
public final class HeaderText {
    private static final String DIGITS = "0123456789ABCDEF";

    private HeaderText() {}

    /** The value for a text. */
    public static String of(String text) {
        boolean plain = true;
        for (int i = 0; i < text.length() && plain; i++) {
            plain = plain((byte) Math.min(text.charAt(i), 0x7F));
        }
        if (plain && text.equals(text.strip())) {
            return text;
        }
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        StringBuilder all = new StringBuilder(bytes.length + 16);
        for (int i = 0; i < bytes.length; i++) {
            byte each = bytes[i];
            // Blanks at the ends would be taken off on the way (RFC 9110, 5.5).
            boolean atEnd = i == 0 || i == bytes.length - 1;
            if (plain(each) && !(atEnd && each == ' ')) {
                all.append((char) each);
            } else {
                all.append('%').append(DIGITS.charAt(each >> 4 & 15)).append(DIGITS.charAt(each & 15));
            }
        }
        return all.toString();
    }

    private static boolean plain(byte each) {
        return each >= ' ' && each < 0x7F && each != '%';
    }
}
