package dev.coppice.gateway.cache;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which version of something an answer is (RFC 9110, 8.8.3). Immutable.
 *
 * @param weak whether versions that mean the same have it, too
 * @param text between the quotes
 */
record EntityTag(boolean weak, String text) {
    private static final int MOST_CHARACTERS = 8_192;
    private static final int MOST_TAGS = 256;

    /** Null: it is none. */
    static @Nullable EntityTag read(@Nullable String field) {
        List<EntityTag> all = field == null ? null : readAll(field);
        return all == null || all.size() != 1 ? null : all.getFirst();
    }

    /** The elements of a list with commas; null: one of them is none, or they are too many. */
    static @Nullable List<EntityTag> readAll(String field) {
        if (field.length() > MOST_CHARACTERS) {
            return null;
        }
        List<EntityTag> all = new ArrayList<>(1);
        int at = 0;
        while (true) {
            while (at < field.length() && (Syntax.space(field.charAt(at)) || field.charAt(at) == ',')) {
                at++;
            }
            if (at == field.length()) {
                return all;
            }
            boolean weak = field.startsWith("W/", at);
            int open = weak ? at + 2 : at;
            int close = field.indexOf('"', open + 1);
            if (open >= field.length() || field.charAt(open) != '"' || close < 0 || all.size() == MOST_TAGS) {
                return null;
            }
            all.add(new EntityTag(weak, field.substring(open + 1, close)));
            at = close + 1;
            while (at < field.length() && Syntax.space(field.charAt(at))) {
                at++;
            }
            if (at < field.length() && field.charAt(at) != ',') {
                return null;
            }
        }
    }

    /** Weak comparison (RFC 9110, 8.8.3.2). */
    boolean meansSame(EntityTag other) {
        return text.equals(other.text);
    }

    /** Strong comparison. */
    boolean isSame(EntityTag other) {
        return !weak && !other.weak && text.equals(other.text);
    }

    /** Whether a field is the tag of certain bytes (RFC 9110, 8.8.1). */
    static boolean exact(@Nullable String field) {
        EntityTag tag = read(field);
        return tag != null && !tag.weak();
    }
}
