package dev.coppice.gateway.cache;

import dev.coppice.gateway.config.ContentConfig;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Whether an answer to GET may be kept (RFC 9111, 3), by a cache that many clients share. Pure functions.
 *
 * <p>Beyond the RFC: an answer that sets cookies is not kept, nor is an error that may be one client's, or a moment's, and is not said to be for all;
 * nothing is made of an answer but what it says where the request had cookies or the gateway may know who sent it, unless it is {@code public}; one
 * that is encoded counts as one that varies with {@code Accept-Encoding}.
 */
public final class Storing {
    /** Names that {@code Vary} may have. */
    private static final int MOST_VARYING = 16;

    private static final int OK = 200;

    private static final Pattern STREAM =
            Pattern.compile("(text/event-stream|multipart/x-mixed-replace)", Pattern.CASE_INSENSITIVE);

    private static final Set<Integer> UNDERSTOOD = Set.of(
            200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411,
            413, 414, 415, 417, 421, 422, 426, 428, 429, 431, 451, 500, 501, 502, 503, 504, 505);

    /** Errors that tell of what was asked for, and not of how it was, nor of how the endpoint does. */
    private static final Set<Integer> OF_RESOURCES = Set.of(404, 405, 410, 414, 451);

    /**
     * What is known of the request.
     *
     * @param control its {@code Cache-Control}
     * @param credentialed whether it had {@code Authorization}, or the gateway knows who sent it
     * @param cookies whether the endpoint saw cookies
     * @param varying names of fields by which answers differ whatever they say
     */
    public record Asked(CacheControl control, boolean credentialed, boolean cookies, List<String> varying) {

        /** The same, which says this. */
        public Asked with(CacheControl said) {
            return new Asked(said, credentialed, cookies, varying);
        }
    }

    /** Why an answer is not kept. */
    public enum Refusal {
        /** The request says {@code no-store}. */
        REQUEST("request"),
        STATUS("status"),
        NO_STORE("no-store"),
        PRIVATE("private"),
        /** It is for who sent the request. */
        AUTHORIZATION("authorization"),
        COOKIES("set-cookie"),
        VARY("vary"),
        /** It goes on for as long as there is something to tell. */
        STREAM("stream"),
        /** It would not be fresh, and could not be asked for again with a condition. */
        NO_FRESHNESS("no-freshness"),
        /** What it says cannot be read. */
        MALFORMED("malformed"),
        /** Its body is longer than is allowed, or than it says. */
        LENGTH("length"),
        /** There was no room for what is on its way. */
        ROOM("room"),
        /** It was made useless while it was on its way. */
        OUTDATED("outdated"),
        /** It did not come to its end. */
        BROKEN("broken");

        private final String word;

        Refusal(String word) {
            this.word = word;
        }

        /** In metrics. */
        public String word() {
            return word;
        }
    }

    /** What is decided. */
    public sealed interface Verdict {
        record Keep(Freshness freshness, Vary vary) implements Verdict {}

        record Pass(Refusal why) implements Verdict {}
    }

    private Storing() {}

    /** @param answer without the fields of its connection */
    public static Verdict decide(
            Asked asked,
            FieldValues request,
            int status,
            FieldValues answer,
            Freshness.Times times,
            ContentConfig.Cache settings) {
        CacheControl said = CacheControl.read(answer.all("cache-control"));
        Refusal refusal = refusal(asked, status, answer, said, settings);
        if (refusal != null) {
            return new Verdict.Pass(refusal);
        }
        Vary vary = Vary.of(answer, request, asked.varying, MOST_VARYING);
        if (vary == null) {
            return new Verdict.Pass(Refusal.VARY);
        }
        boolean guesses = said.open() || !asked.cookies && !asked.credentialed;
        Freshness freshness = Freshness.of(status, answer, said, times, settings, guesses);
        boolean comesFresh = !freshness.alwaysAsks() && freshness.leftMillis(times.receivedNanos()) > 0;
        boolean named = freshness.said() || said.open() || said.noCache();
        // By a date, or a tag of no certain bytes, an endpoint may confirm to one client what it sent to another.
        boolean exact = EntityTag.exact(answer.only("etag")) || said.open() || !asked.cookies;
        boolean askable = StoredAnswer.validated(answer) && exact && (named || guesses && status == OK);
        if (!comesFresh && !askable) {
            return new Verdict.Pass(Refusal.NO_FRESHNESS);
        }
        // One client's odd header must not be everybody's error.
        boolean passing = status >= 400 && !OF_RESOURCES.contains(status);
        if (passing && !said.open() && said.sharedMaxAge() == CacheControl.UNSAID) {
            return new Verdict.Pass(Refusal.STATUS);
        }
        return new Verdict.Keep(freshness, vary);
    }

    private static @Nullable Refusal refusal(
            Asked asked, int status, FieldValues answer, CacheControl said, ContentConfig.Cache settings) {
        boolean understood = UNDERSTOOD.contains(status);
        if (said.malformed()) {
            return Refusal.MALFORMED;
        }
        if (settings.heedsClients() && asked.control.noStore()) {
            return Refusal.REQUEST;
        }
        if (status < 200 || status == 206 || status == 304 || !understood) {
            return Refusal.STATUS;
        }
        // Who says must-understand says no-store for those who do not know that (RFC 9111, 5.2.2.3).
        if (said.noStore() && !said.mustUnderstand()) {
            return Refusal.NO_STORE;
        }
        if (said.personal()) {
            return Refusal.PRIVATE;
        }
        String type = answer.only("content-type");
        if (type != null && STREAM.matcher(type).lookingAt()) {
            return Refusal.STREAM;
        }
        if (answer.has("set-cookie")) {
            return Refusal.COOKIES;
        }
        return asked.credentialed && !forAll(said) ? Refusal.AUTHORIZATION : null;
    }

    /** RFC 9111, 3.5. */
    static boolean forAll(CacheControl said) {
        return said.open() || said.mustRevalidate() || said.sharedMaxAge() != CacheControl.UNSAID;
    }
}
