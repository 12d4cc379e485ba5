package dev.coppice.gateway.route;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * Paths as they are compared and sent on (RFC 3986, 6.2.2): without dot segments, with unreserved characters unescaped and escapes
 * in upper case. So no two spellings of one path are routed differently, and none means something else to a backend.
 */
public final class RequestPath {

    private RequestPath() {}

    /** The normal form of a path that begins with a slash; null when it is none. */
    public static @Nullable String normal(String path) {
        boolean plain = true;
        for (int i = 0; i < path.length(); i++) {
            char c = path.charAt(i);
            if (c <= ' ' || c >= 0x7F || c == '#' || c == '\\') {
                return null;
            }
            if (c == '%' || c == '.' && (i == 0 || path.charAt(i - 1) == '/')) {
                plain = false;
            }
        }
        if (plain) {
            return path;
        }
        String unescaped = unescape(path);
        return unescaped == null ? null : withoutDots(unescaped);
    }

    private static @Nullable String unescape(String path) {
        if (path.indexOf('%') < 0) {
            return path;
        }
        StringBuilder out = new StringBuilder(path.length());
        for (int i = 0; i < path.length(); i++) {
            char c = path.charAt(i);
            if (c != '%') {
                out.append(c);
                continue;
            }
            int high = i + 2 < path.length() ? Character.digit(path.charAt(i + 1), 16) : -1;
            int low = i + 2 < path.length() ? Character.digit(path.charAt(i + 2), 16) : -1;
            if (high < 0 || low < 0 || high + low == 0) {
                return null;
            }
            char meant = (char) (high << 4 | low);
            if (unreserved(meant)) {
                out.append(meant);
            } else {
                out.append('%').append(upper(path.charAt(i + 1))).append(upper(path.charAt(i + 2)));
            }
            i += 2;
        }
        return out.toString();
    }

    private static char upper(char digit) {
        return digit >= 'a' ? (char) (digit - 32) : digit;
    }

    private static boolean unreserved(char c) {
        return c >= 'a' && c <= 'z'
                || c >= 'A' && c <= 'Z'
                || c >= '0' && c <= '9'
                || c == '-'
                || c == '.'
                || c == '_'
                || c == '~';
    }

    private static String withoutDots(String path) {
        if (!path.contains("/.")) {
            return path;
        }
        Deque<String> kept = new ArrayDeque<>();
        String[] segments = path.substring(1).split("/", -1);
        boolean open = false;
        for (String segment : segments) {
            open = segment.equals(".") || segment.equals("..");
            if (segment.equals("..")) {
                kept.pollLast();
            } else if (!open) {
                kept.addLast(segment);
            }
        }
        StringBuilder out = new StringBuilder(path.length());
        for (Iterator<String> each = kept.iterator(); each.hasNext(); ) {
            out.append('/').append(each.next());
        }
        if (open || out.isEmpty()) {
            out.append('/');
        }
        return out.toString();
    }
}
