package dev.coppice.gateway.cache;

import java.util.List;

/** Conditions of requests, looked at for an answer that is there (RFC 9110, 13; RFC 9111, 4.3.2). Pure functions. */
public final class Preconditions {
    private Preconditions() {}

    /** Whether an answer of 200 is what the client has already. */
    public static boolean notModified(FieldValues request, FieldValues answer, long nowSeconds) {
        String none = request.joined("if-none-match");
        if (none != null) {
            if (none.strip().equals("*")) {
                return true;
            }
            EntityTag tag = EntityTag.read(answer.only("etag"));
            List<EntityTag> known = tag == null ? null : EntityTag.readAll(none);
            return tag != null && known != null && known.stream().anyMatch(tag::meansSame);
        }
        Long since = HttpDate.read(request.only("if-modified-since"), nowSeconds);
        if (since == null) {
            return false;
        }
        Long modified = HttpDate.read(answer.only("last-modified"), nowSeconds);
        return modified != null && modified <= since;
    }

    /** Whether a part may be sent, since {@code If-Range} is not there or names just this answer (RFC 9110, 13.1.5). */
    public static boolean rangeHolds(FieldValues request, FieldValues answer, long nowSeconds) {
        if (!request.has("if-range")) {
            return true;
        }
        String field = request.only("if-range");
        EntityTag wanted = EntityTag.read(field);
        if (wanted != null) {
            EntityTag tag = EntityTag.read(answer.only("etag"));
            return tag != null && wanted.isSame(tag);
        }
        Long modified = HttpDate.read(answer.only("last-modified"), nowSeconds);
        Long made = HttpDate.read(answer.only("date"), nowSeconds);
        // A date is strong only if nothing can have changed in the same second (RFC 9110, 8.8.2.2).
        return modified != null && made != null && made > modified && modified.equals(HttpDate.read(field, nowSeconds));
    }

    /** Which part of a whole answer of 200 a request wants. */
    public static ByteRange range(FieldValues request, FieldValues answer, long length, long nowSeconds) {
        String range = request.only("range");
        return range == null || !rangeHolds(request, answer, nowSeconds)
                ? ByteRange.WHOLE
                : ByteRange.read(range, length);
    }
}
