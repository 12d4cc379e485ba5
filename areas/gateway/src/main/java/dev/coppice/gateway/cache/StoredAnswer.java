package dev.coppice.gateway.cache;

import dev.coppice.gateway.config.ContentConfig;
import dev.coppice.gateway.content.AcceptEncoding;
import java.util.List;
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
    private final boolean forAll;

    /** @param fields as they came; those that are not to be kept are left out, and a {@code Date} is there afterwards */
    public StoredAnswer(int status, Fields fields, Body body, Freshness freshness, Vary vary, Freshness.Times times) {
        this(status, kept(fields, times), body, freshness, vary);
    }

    private StoredAnswer(int status, Fields fields, Body body, Freshness freshness, Vary vary) {
        this.status = status;
        this.fields = fields;
        this.body = body;
        this.freshness = freshness;
        this.vary = vary;
        this.forAll = Storing.forAll(CacheControl.read(fields.all("cache-control")));
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

    /** Whether it is also for those whom somebody knows: it says so (RFC 9111, 3.5). */
    public boolean forAll() {
        return forAll;
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
        return theirs == null
                && (modified == null || fields.all("last-modified").isEmpty() || modified.equals(modified()));
    }

    /**
     * Whether an endpoint may be asked if it is the answer to another request, too (RFC 9111, 4.3.1). It has to have a strong tag, by which it is told from all
     * others of its resource; it must not come of another resource, or be in an encoding that the client cannot read, as servers may give all encodings of
     * something one tag.
     *
     * @param always names of fields by which resources differ whatever answers say
     */
    public boolean candidate(FieldValues request, List<String> always) {
        String encoding = fields.joined("content-encoding");
        return EntityTag.exact(fields.only("etag"))
                && vary.agrees(always, request)
                && (encoding == null || AcceptEncoding.accepts(request.joined("accept-encoding"), encoding));
    }

    /** Whether the strong tag of a 304 is that of this answer (RFC 9111, 4.3.4). */
    public boolean namedBy(FieldValues told) {
        EntityTag theirs = EntityTag.read(told.only("etag"));
        EntityTag own = EntityTag.read(fields.only("etag"));
        return theirs != null && own != null && theirs.isSame(own);
    }

    /** The same answer, for the requests that another one is for. */
    public StoredAnswer forRequestsOf(StoredAnswer other) {
        return new StoredAnswer(status, fields, body, freshness, other.vary);
    }

    /** Whether it is for the same requests as another one. */
    public boolean sameRequests(StoredAnswer other) {
        return vary.equals(other.vary);
    }

    /**
     * An answer that an endpoint has confirmed.
     *
     * @param answer with the fields of the 304
     * @param refusal why it is to be kept no more; null: it is to be kept
     */
    public record Confirmed(StoredAnswer answer, Storing.@Nullable Refusal refusal) {}

    /** The same, as a 304 has confirmed it: its fields replace those that are there (RFC 9111, 3.2). */
    public Confirmed confirmed(
            Fields told,
            Storing.Asked asked,
            FieldValues request,
            Freshness.Times times,
            ContentConfig.Cache settings) {
        Fields newer = told.only(name -> !NOT_KEPT.contains(name) && !NOT_FRESHENED.contains(name));
        // An endpoint that does not say when it has confirmed it has done so now.
        Fields dated =
                newer.has("date") ? newer : newer.with(Fields.of("date", HttpDate.text(times.receivedSeconds())));
        Fields all = fields.with(dated);
        List<String> age = told.all("age");
        Fields judged = age.isEmpty() ? all : all.with(Fields.of("age", age.getFirst()));
        return switch (Storing.decide(asked, request, status, judged, times, settings)) {
            case Storing.Verdict.Keep keep ->
                new Confirmed(new StoredAnswer(status, all, body, keep.freshness(), keep.vary()), null);
            case Storing.Verdict.Pass pass ->
                new Confirmed(new StoredAnswer(status, all, body, freshness, vary), pass.why());
        };
    }

    /** What it takes of memory, about. */
    int bytes() {
        return (int) Math.min(Integer.MAX_VALUE, OWN_BYTES + fields.bytes() + vary.bytes() + body.length());
    }
}
