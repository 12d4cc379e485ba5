package dev.coppice.gateway.cache;

/** Characters of HTTP's grammar (RFC 9110, 5.6). Pure functions. */
final class Syntax {
    private static final String MARKS = "!#$%&'*+-.^_`|~";

    private Syntax() {}

    static boolean tokenCharacter(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || digit(c) || MARKS.indexOf(c) >= 0;
    }

    static boolean token(String text) {
        return !text.isEmpty() && text.chars().allMatch(each -> tokenCharacter((char) each));
    }

    static boolean digit(char c) {
        return c >= '0' && c <= '9';
    }

    static boolean space(char c) {
        return c == ' ' || c == '\t';
    }

    /** The number that digits are; -1: they are none, or more than {@code mostDigits}. */
    static long number(String digits, int mostDigits) {
        if (digits.isEmpty() || digits.length() > mostDigits) {
            return -1;
        }
        long number = 0;
        for (int i = 0; i < digits.length(); i++) {
            if (!digit(digits.charAt(i))) {
                return -1;
            }
            number = number * 10 + digits.charAt(i) - '0';
        }
        return number;
    }
}
