package dev.coppice.gateway.cache;

import dev.coppice.gateway.config.ContentConfig;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** An answer that is kept. Immutable. */
public final class StoredAnswer {
    /** What it takes beside its fields and its body, about. */
    private static final int OWN_BYTES = 400;

    /** RFC 9111, 3.1; and {@code Age}, which is told anew. */
    private static final Set<String> NOT_KEPT = Set.of(
            "connection",
            "keep-alive",
            "proxy-connection",
            "proxy-authenticate",
            "proxy-authentication-info",
            "proxy-authorization",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "age",
            "content-length");

    /** What a 304 does not change: of these it speaks, if at all, for a body that it does not have. */
    private static final Set<String> NOT_FRESHENED = Set.of("content-encoding", "content-type", "content-range");

    private final int status;
    private final Fields fields;
    private final Body body;
    private final Freshness freshness;
    private final Vary vary;

    /** @param fields as they came; those that are not to be kept are left out, and a {@code Date} is there afterwards */
    public StoredAnswer(
            int status, Fields fields, Body body, Freshness freshness, Vary vary, Freshness.Times times) {
        this(status, kept(fields, times), body, freshness, vary);
    }

    private StoredAnswer(int status, Fields fields, Body body, Freshness freshness, Vary vary) {
        this.status = status;
        this.fields = fields;
        this.body = body;
        this.freshness = freshness;
        this.vary = vary;
    }

    private static Fields kept(Fields fields, Freshness.Times times) {
        Fields kept = fields.only(name -> !NOT_KEPT.contains(name));
        // RFC 9110, 6.6.1.
        return kept.has("date") ? kept : kept.with(Fields.of("date", HttpDate.text(times.receivedSeconds())));
    }

    /** Whether an endpoint can be asked whether it still is the same. */
    static boolean validated(FieldValues answer) {
        return EntityTag.read(answer.only("etag")) != null || answer.only("last-modified") != null;
    }

    public int status() {
        return status;
    }

    /** Without {@code Age} and {@code Content-Length}. */
    public Fields fields() {
        return fields;
    }

    public Body body() {
        return body;
    }

    public Freshness freshness() {
        return freshness;
    }

    Vary vary() {
        return vary;
    }

    /** For {@code If-None-Match}; null: there is none. */
    public @Nullable String tag() {
        String tag = fields.only("etag");
        return EntityTag.read(tag) == null ? null : tag;
    }

    /** For {@code If-Modified-Since}; null: there is none. */
    public @Nullable String modified() {
        return fields.only("last-modified");
    }

    /**
     * Whether a 304 is about this answer (RFC 9111, 4.3.4).
     *
     * @param told its fields
     */
    public boolean confirmedBy(FieldValues told) {
        EntityTag theirs = EntityTag.read(told.only("etag"));
        EntityTag own = EntityTag.read(fields.only("etag"));
        if (theirs != null && own != null) {
            return theirs.weak() || own.weak() ? theirs.meansSame(own) : theirs.isSame(own);
        }
        String modified = told.only("last-modified");
        return theirs == null && (modified == null || fields.all("last-modified").isEmpty() || modified.equals(modified()));
    }

    /**
     * The same, as a 304 has confirmed it: its fields replace those that are there (RFC 9111, 3.2).
     *
     * @return null: it may be kept no more
     */
    public @Nullable StoredAnswer freshened(
            Fields told,
            Storing.Asked asked,
            FieldValues request,
            Freshness.Times times,
            ContentConfig.Cache settings) {
        Fields newer = told.only(name -> !NOT_KEPT.contains(name) && !NOT_FRESHENED.contains(name));
        Fields all = fields.with(newer);
        // An endpoint that says nothing of its making has made it now.
        Fields dated = newer.has("date") ? all : all.with(Fields.of("date", HttpDate.text(times.receivedSeconds())));
        Fields judged = told.has("age") ? dated.with(Fields.of("age", String.valueOf(told.all("age").getFirst()))) : dated;
        return switch (Storing.decide(asked, request, status, judged, times, settings)) {
            case Storing.Verdict.Keep keep -> new StoredAnswer(status, dated, body, keep.freshness(), keep.vary());
            case Storing.Verdict.Pass _ -> null;
        };
    }

    /** What it takes of memory, about. */
    int bytes() {
        return (int) Math.min(Integer.MAX_VALUE, OWN_BYTES + fields.bytes() + vary.bytes() + body.length());
    }
}
