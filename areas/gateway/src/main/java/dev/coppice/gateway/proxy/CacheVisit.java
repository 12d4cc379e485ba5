package dev.coppice.gateway.proxy;

import dev.coppice.gateway.cache.AnswerStore;
import dev.coppice.gateway.cache.Body;
import dev.coppice.gateway.cache.CacheControl;
import dev.coppice.gateway.cache.CacheKey;
import dev.coppice.gateway.cache.CacheRegion;
import dev.coppice.gateway.cache.CacheStatus;
import dev.coppice.gateway.cache.CacheStatus.Forward;
import dev.coppice.gateway.cache.FieldValues;
import dev.coppice.gateway.cache.Fields;
import dev.coppice.gateway.cache.Freshness;
import dev.coppice.gateway.cache.Preconditions;
import dev.coppice.gateway.cache.Reuse;
import dev.coppice.gateway.cache.StoredAnswer;
import dev.coppice.gateway.cache.Storing;
import dev.coppice.gateway.config.ContentConfig;
import dev.coppice.gateway.proxy.CacheMetrics.Outcome;
import io.netty.buffer.ByteBuf;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.AsciiString;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A request at the cache of its rule: whether it is answered from there, waits for another one, or goes on, and what is kept of the answer. Used on
 * the request's event loop only.
 */
final class CacheVisit implements CacheFlights.Waiting {
    private static final AsciiString CACHE_STATUS = AsciiString.cached("cache-status");

    /** Conditions that the cache looks at itself; an endpoint gets its own. */
    private static final List<AsciiString> CONDITIONS = List.of(
            HttpHeaderNames.IF_NONE_MATCH,
            HttpHeaderNames.IF_MODIFIED_SINCE,
            HttpHeaderNames.RANGE,
            HttpHeaderNames.IF_RANGE);

    private static final List<AsciiString> PARTS = List.of(HttpHeaderNames.RANGE, HttpHeaderNames.IF_RANGE);

    /** Characters of the tags of answers to other requests that an endpoint is asked about. */
    private static final int MOST_OTHER_TAGS = 2_048;

    private static final long SECOND_MILLIS = 1_000;
    private static final long MILLI_NANOS = 1_000_000;
    /** How long requests do not wait for each other once they waited for an answer that was not kept. */
    private static final long UNCOLLAPSED_NANOS = 30 * SECOND_MILLIS * MILLI_NANOS;

    private final Exchange exchange;
    private final EventLoopState state;
    private final AnswerCache cache;
    private final AnswerCache.Place place;
    private final HttpRequest request;
    private final FieldValues fields;
    private final String origin;
    private final String target;
    private final boolean refreshing;
    private Storing.Asked asked;

    private CacheControl control = CacheControl.NONE;
    private Fields conditions = Fields.NONE;
    private @Nullable CacheKey key;
    private Outcome outcome = Outcome.MISS;
    private CacheStatus status = CacheStatus.forwarded(Forward.BYPASS);

    /** What others wait for, or, if it {@link #waits}, what this waits for. */
    private CacheFlights.@Nullable Flight flight;

    private boolean waits;
    /** It has waited, or will not. */
    private boolean alone;

    private long waitEndNanos;
    /** It had to wait for another one. */
    private boolean waited;

    /** That the endpoint is asked to confirm. */
    private @Nullable StoredAnswer kept;
    /** Those for other requests, of which it may say that one is the answer. */
    private List<StoredAnswer> others = List.of();
    /** Whether the answer may be kept. */
    private boolean fetching;

    private int changes;
    private long askedNanos;
    private @Nullable Recording recording;
    /** What comes of the endpoint's answer is not for the client, who gets what stands here afterwards; null: it is. */
    private @Nullable Runnable afterwards;
    /** The client has what the answer would tell it. */
    private boolean withheld;

    private @Nullable Sending sending;

    /** An answer that comes, and will be kept. */
    private record Recording(
            int status,
            Fields fields,
            Storing.Verdict.Keep verdict,
            Freshness.Times times,
            long length,
            Body.Recorder body) {}

    /** A request's fields, with its path and query as the endpoint sees them if filters of the region change these. */
    private record Sent(HttpRequest request, HeaderFields headers, CacheRegion region) implements FieldValues {
        Sent(HttpRequest request, CacheRegion region) {
            this(request, new HeaderFields(request.headers()), region);
        }

        @Override
        public List<String> all(String name) {
            if (name.equals(CacheRegion.SENT_TARGET)) {
                return region.rewrites() ? List.of(region.counted(request.uri())) : List.of();
            }
            return headers.all(name);
        }

        @Override
        public boolean has(String name) {
            return headers.has(name) || name.equals(CacheRegion.SENT_TARGET) && region.rewrites();
        }

        @Override
        public Collection<String> underscored() {
            return headers.underscored();
        }
    }

    /** A body on its way out of the cache. */
    private static final class Sending {
        private final Body body;
        private final long end;
        private long at;
        private boolean busy;

        Sending(Body body, long from, long end) {
            this.body = body;
            this.at = from;
            this.end = end;
        }
    }

    /**
     * Does nothing yet.
     *
     * @param request as the endpoint would get it
     * @param origin scheme and authority that the client asked for
     * @param target path and query that it asked for
     * @param refreshes null: the request is a client's; else what is to be fetched anew, for nobody
     */
    private CacheVisit(
            Exchange exchange,
            EventLoopState state,
            AnswerCache.Place place,
            HttpRequest request,
            String origin,
            String target,
            Storing.Asked asked,
            @Nullable StoredAnswer refreshes) {
        this.exchange = exchange;
        this.state = state;
        this.cache = state.plane.cache;
        this.place = place;
        this.request = request;
        this.fields = new Sent(request, place.region());
        this.origin = origin;
        this.target = target;
        this.asked = asked;
        this.kept = refreshes;
        this.refreshing = refreshes != null;
    }

    /**
     * The visit of a client's request.
     *
     * @param credentialed whether the client had credentials, or somebody may know who it is
     * @param told headers in which the gateway itself tells endpoints of clients
     */
    static CacheVisit of(
            Exchange exchange,
            EventLoopState state,
            AnswerCache.Place place,
            HttpRequest request,
            String origin,
            String target,
            boolean credentialed,
            List<String> told) {
        List<String> varying = place.region().rewrites()
                ? Stream.concat(told.stream(), Stream.of(CacheRegion.SENT_TARGET))
                        .toList()
                : told;
        boolean cookies = request.headers().contains(HttpHeaderNames.COOKIE);
        Storing.Asked asked = new Storing.Asked(CacheControl.NONE, credentialed, cookies, varying);
        return new CacheVisit(exchange, state, place, request, origin, target, asked, null);
    }

    private ContentConfig.Cache settings() {
        return place.region().settings();
    }

    /** What it did with the request, for logs. */
    String word() {
        return outcome.word();
    }

    // ---- the request

    /** Answers, waits, or lets the request go on. */
    void begin(boolean bodiless) {
        boolean get = request.method().equals(HttpMethod.GET);
        if (settings().heedsClients()) {
            control = CacheControl.ofRequest(fields);
            asked = asked.with(control);
        }
        if (!get && !request.method().equals(HttpMethod.HEAD)) {
            pass(Forward.METHOD);
        } else if (!bodiless
                || request.headers().contains(HttpHeaderNames.IF_MATCH)
                || request.headers().contains(HttpHeaderNames.IF_UNMODIFIED_SINCE)) {
            // Conditions for those who change something are the endpoint's (RFC 9111, 4.3.2).
            pass(Forward.BYPASS);
        } else {
            keepConditions(get);
            // Nobody can have what comes.
            alone = control.noStore();
            key = place.region().key(origin, target, fields);
            look();
        }
    }

    private void keepConditions(boolean get) {
        Fields.Builder all = new Fields.Builder();
        for (AsciiString each : CONDITIONS) {
            // Parts are of answers to GET only (RFC 9110, 14.2).
            if (request.headers().contains(each) && (get || !PARTS.contains(each))) {
                request.headers().getAll(each).forEach(value -> all.add(each, value));
            }
        }
        conditions = all.made();
    }

    private CacheKey key() {
        CacheKey known = key;
        if (known == null) {
            throw new IllegalStateException("a request that the cache does not look at");
        }
        return known;
    }

    private void look() {
        long now = state.now();
        AnswerStore.Found found = cache.store.find(key(), fields, now);
        StoredAnswer answer = found.answer();
        others = found.all().stream()
                .filter(each -> each != answer
                        && (!asked.credentialed() || each.forAll())
                        && each.candidate(fields, asked.varying()))
                .toList();
        alone |= found.uncollapsed() || settings().collapseMillis() == 0;
        if (answer == null || asked.credentialed() && !answer.forAll()) {
            miss(found.all().isEmpty() ? Forward.URI_MISS : Forward.VARY_MISS);
            return;
        }
        // Whoever waited for another request would have to ask all the same.
        alone |= !answer.freshness().lasts();
        switch (Reuse.of(answer.freshness(), control, now)) {
            case FRESH -> serveKept(answer, waited ? Outcome.COLLAPSED : Outcome.HIT);
            case STALE -> serveKept(answer, Outcome.STALE);
            case REFRESH -> {
                if (exchange.mayRefresh()) {
                    refresh(answer);
                    serveKept(answer, Outcome.STALE);
                } else {
                    validate(answer, Forward.STALE);
                }
            }
            case VALIDATE -> validate(answer, Forward.STALE);
            case VALIDATE_FOR_CLIENT -> {
                alone = true;
                validate(answer, Forward.REQUEST);
            }
        }
    }

    private void serveKept(StoredAnswer answer, Outcome how) {
        outcome = how;
        status = CacheStatus.hit(answer.freshness().left(state.now()), how == Outcome.COLLAPSED);
        serve(answer);
    }

    /** Sends the request on as it came; nothing is kept of the answer. */
    private void pass(Forward why) {
        if (control.onlyIfCached()) {
            refuse();
            return;
        }
        outcome = Outcome.BYPASS;
        status = CacheStatus.forwarded(why);
        exchange.deliver();
    }

    private void refuse() {
        outcome = Outcome.REFUSED;
        exchange.unkept();
    }

    /** What is there is of no use, or nothing is. */
    private void miss(Forward why) {
        kept = null;
        if (!whole()) {
            pass(conditions.has("range") ? Forward.PARTIAL : why);
        } else {
            fetch(why);
        }
    }

    /** Whether the answer, as a whole, can be kept. */
    private boolean whole() {
        return request.method().equals(HttpMethod.GET) && !conditions.has("range");
    }

    private void validate(StoredAnswer answer, Forward why) {
        if (!whole()) {
            pass(why);
            return;
        }
        kept = answer;
        fetch(why);
    }

    /** Asks the endpoint, unless another request does. */
    private void fetch(Forward why) {
        if (control.onlyIfCached()) {
            refuse();
            return;
        }
        if (!alone) {
            CacheFlights.Place own = cache.flights.take(key(), this);
            flight = own.flight();
            waits = own.waits();
            if (waits) {
                if (!waited) {
                    waitEndNanos = state.now() + settings().collapseMillis() * MILLI_NANOS;
                    waited = true;
                }
                return;
            }
        }
        outcome = Outcome.MISS;
        status = CacheStatus.forwarded(why);
        ask(request.headers());
        exchange.deliver();
    }

    /** The conditions of the cache instead of the client's (RFC 9111, 4.3.1). */
    private void ask(HttpHeaders headers) {
        CONDITIONS.forEach(headers::remove);
        StoredAnswer known = kept;
        Set<String> tags = new LinkedHashSet<>();
        if (known != null) {
            String tag = known.tag();
            String modified = known.modified();
            if (tag != null) {
                tags.add(tag);
            }
            if (modified != null) {
                headers.set(HttpHeaderNames.IF_MODIFIED_SINCE, modified);
            }
        }
        int length = 0;
        for (StoredAnswer each : others) {
            String tag = each.tag();
            length += tag == null ? 0 : tag.length();
            if (tag != null && length <= MOST_OTHER_TAGS) {
                tags.add(tag);
            }
        }
        if (!tags.isEmpty()) {
            headers.set(HttpHeaderNames.IF_NONE_MATCH, String.join(", ", tags));
        }
        fetching = true;
        changes = cache.changes(key());
        askedNanos = state.now();
    }

    // ---- waiting for another request

    /** On any thread. */
    @Override
    public void landed(CacheFlights.Landing how) {
        state.execute(() -> {
            if (waits && !exchange.over()) {
                waits = false;
                flight = null;
                // Who is left without an answer that all can have does not wait once more.
                alone = how != CacheFlights.Landing.ABANDONED;
                exchange.progressed();
                look();
            }
        });
    }

    /** Says whether it is no endpoint that the client waits for. */
    boolean checkDeadline(long now) {
        if (waits && now - waitEndNanos >= 0) {
            leave();
            // It takes its time, or has no end; not everybody has to find that out.
            cache.store.uncollapse(key(), now + UNCOLLAPSED_NANOS);
            alone = true;
            look();
            return true;
        }
        return waits || sending != null;
    }

    private void leave() {
        if (flight != null) {
            flight.leave(this);
            flight = null;
        }
        waits = false;
    }

    private void land(CacheFlights.Landing how) {
        if (waits) {
            // It is another one's.
            return;
        }
        CacheFlights.Flight own = flight;
        flight = null;
        if (own != null && own.land(how) && how == CacheFlights.Landing.NOT_KEPT) {
            cache.store.uncollapse(key(), state.now() + UNCOLLAPSED_NANOS);
        }
    }

    // ---- a request of the gateway's own

    /** Fetches an answer anew while the client gets the one that is there. */
    private void refresh(StoredAnswer answer) {
        CacheFlights.Flight own = cache.flights.lead(key());
        if (own == null) {
            return;
        }
        if (!cache.beginRefresh()) {
            own.land(CacheFlights.Landing.ABANDONED);
            return;
        }
        HttpRequest anew = new DefaultHttpRequest(
                request.protocolVersion(),
                HttpMethod.GET,
                request.uri(),
                request.headers().copy());
        anew.headers().remove(HttpHeaderNames.CACHE_CONTROL).remove(HttpHeaderNames.PRAGMA);
        Exchange forNobody = exchange.forNobody(anew);
        CacheVisit visit =
                new CacheVisit(forNobody, state, place, anew, origin, target, asked.with(CacheControl.NONE), answer);
        visit.key = key;
        visit.flight = own;
        visit.ask(anew.headers());
        forNobody.refresh(exchange, visit);
    }

    /** Whether no client waits for what comes. */
    boolean refreshing() {
        return refreshing;
    }

    // ---- the endpoint's answer

    /** The head of it. */
    void respond(HttpResponse head) {
        HopByHop.strip(head.headers());
        int code = head.status().code();
        StoredAnswer known = kept;
        if (!fetching) {
            notKept(null);
            tell(head, status.answered(code));
        } else if ((known != null || !others.isEmpty()) && code == HttpResponseStatus.NOT_MODIFIED.code()) {
            confirmed(fieldsOf(head.headers()));
        } else if (known != null && failure(code) && standsIn()) {
            notKept(null);
            afterwards = () -> serveInstead(known, code);
        } else {
            fetched(head, known);
        }
        if (refreshing && afterwards == null) {
            afterwards = exchange::finish;
        }
    }

    private static boolean failure(int code) {
        return code == 500 || code == 502 || code == 503 || code == 504;
    }

    private static Fields fieldsOf(HttpHeaders headers) {
        Fields.Builder all = new Fields.Builder();
        for (Map.Entry<String, String> each : headers) {
            all.add(each.getKey(), each.getValue());
        }
        return all.made();
    }

    private Freshness.Times times() {
        return new Freshness.Times(askedNanos, state.now(), seconds());
    }

    private long seconds() {
        return state.plane.clock.currentTimeMillis() / SECOND_MILLIS;
    }

    /** Which of the kept ones a 304 says to be the answer; null: none. */
    private @Nullable StoredAnswer named(Fields told) {
        StoredAnswer known = kept;
        if (known != null && known.confirmedBy(told)) {
            return known;
        }
        return others.stream().filter(each -> each.namedBy(told)).findFirst().orElse(null);
    }

    private void confirmed(Fields told) {
        StoredAnswer before = kept;
        StoredAnswer known = named(told);
        if (before != null && before != known) {
            cache.store.remove(key(), before);
        }
        if (known == null) {
            // It speaks of another one, which nobody has: once more, without a condition.
            afterwards = refreshing ? exchange::finish : this::fetchAnew;
            return;
        }
        StoredAnswer.Confirmed now = known.confirmed(told, asked, fields, times(), settings());
        Storing.Refusal refusal =
                now.refusal() == null && !putAll(known, now.answer()) ? Storing.Refusal.OUTDATED : now.refusal();
        if (refusal == null) {
            status = status.answered(HttpResponseStatus.NOT_MODIFIED.code())
                    .kept(now.answer().freshness().left(state.now()));
            landKept(now.answer().freshness());
        } else {
            // Otherwise only this request is none by which it can be kept longer.
            if (refusal != Storing.Refusal.REQUEST && refusal != Storing.Refusal.NO_FRESHNESS) {
                cache.store.remove(key(), known);
            }
            status = status.answered(HttpResponseStatus.NOT_MODIFIED.code());
            notKept(refusal);
        }
        afterwards = () -> {
            outcome = Outcome.REVALIDATED;
            serve(now.answer());
        };
    }

    private void fetchAnew() {
        kept = null;
        others = List.of();
        ask(request.headers());
        exchange.deliverAgain();
    }

    /** Keeps an answer that was confirmed: also for the requests of those that have its tag (RFC 9111, 4.3.4). */
    private boolean putAll(StoredAnswer known, StoredAnswer now) {
        for (StoredAnswer each : others) {
            if ((each == known || each.namedBy(now.fields())) && !each.sameRequests(now)) {
                boolean _ = put(now.forRequestsOf(each));
            }
        }
        return put(now);
    }

    /** Keeps an answer, unless what it tells of has changed since it was asked for. */
    private boolean put(StoredAnswer answer) {
        if (outdated()) {
            return false;
        }
        cache.store.put(key(), answer);
        if (!outdated()) {
            return true;
        }
        // It changed just now, on another thread, which may have looked before the answer was there.
        cache.store.remove(key(), answer);
        return false;
    }

    private boolean outdated() {
        return changes != cache.changes(key());
    }

    private void landKept(Freshness freshness) {
        land(freshness.lasts() ? CacheFlights.Landing.KEPT : CacheFlights.Landing.NOT_KEPT);
    }

    private void fetched(HttpResponse head, @Nullable StoredAnswer known) {
        int code = head.status().code();
        Fields all = fieldsOf(head.headers());
        Freshness.Times times = times();
        if (known != null && code < HttpResponseStatus.INTERNAL_SERVER_ERROR.code()) {
            // The endpoint says something else now (RFC 9111, 4.3.3).
            cache.store.remove(key(), known);
        }
        switch (Storing.decide(asked, fields, code, all, times, settings())) {
            case Storing.Verdict.Keep keep -> {
                long length = length(all);
                // Nobody sees whether one that ends with its connection is whole (RFC 9112, 9.8).
                if (length > settings().maxBodyBytes() || exchange.endsWithConnection()) {
                    notKept(Storing.Refusal.LENGTH);
                    tell(head, status.answered(code).because(Storing.Refusal.LENGTH.word()));
                } else {
                    recording = new Recording(code, all, keep, times, length, new Body.Recorder());
                    if (!keep.freshness().lasts()) {
                        // Others need not wait for the end of it to be told that they have to ask.
                        land(CacheFlights.Landing.NOT_KEPT);
                    }
                    tell(head, status.answered(code).kept(keep.freshness().left(times.receivedNanos())));
                }
            }
            case Storing.Verdict.Pass pass -> {
                notKept(pass.why());
                tell(head, status.answered(code).because(pass.why().word()));
            }
        }
    }

    /** Below 0: it does not say. */
    private static long length(Fields all) {
        String length = all.only("content-length");
        try {
            return length == null ? -1 : Long.parseLong(length);
        } catch (NumberFormatException e) {
            return Long.MAX_VALUE;
        }
    }

    /** Gives the head to the client. */
    private void tell(HttpResponse head, CacheStatus of) {
        if (refreshing) {
            return;
        }
        if (fetching
                && head.status().code() == HttpResponseStatus.OK.code()
                && Preconditions.notModified(conditions, head.headers()::getAll, seconds())) {
            withheld = true;
            exchange.describe(head);
            head.setStatus(HttpResponseStatus.NOT_MODIFIED);
            for (String name : head.headers().names()) {
                if (ofBody(name)) {
                    head.headers().remove(name);
                }
            }
        }
        head.headers().add(CACHE_STATUS, of.text());
        exchange.start(head);
    }

    /** Whether a field tells of a body that is not sent (RFC 9110, 15.4.5). */
    static boolean ofBody(String name) {
        return name.regionMatches(true, 0, "content-", 0, 8) && !name.equalsIgnoreCase("content-location")
                || name.equalsIgnoreCase("transfer-encoding");
    }

    /** @param why null: it is not counted */
    private void notKept(Storing.@Nullable Refusal why) {
        if (why != null) {
            cache.metrics.refused(why);
        }
        if (recording != null) {
            cache.giveBack(recording.body.length());
            recording = null;
        }
        land(why == Storing.Refusal.BROKEN ? CacheFlights.Landing.ABANDONED : CacheFlights.Landing.NOT_KEPT);
    }

    /** Takes a part of the answer's body over. */
    void content(HttpContent part) {
        boolean last = part instanceof LastHttpContent;
        if (recording != null) {
            record(recording, part.content(), last);
        }
        if (afterwards == null && !withheld) {
            exchange.pass(part);
            return;
        }
        part.release();
        if (afterwards == null && last) {
            exchange.pass(LastHttpContent.EMPTY_LAST_CONTENT);
        }
    }

    /** What came at once has been told: of an answer that nobody gets no more is waited for. */
    void readComplete() {
        if (!exchange.over() && recording == null && (withheld || afterwards != null)) {
            exchange.leaveEndpoint();
            complete();
        }
    }

    private void complete() {
        if (withheld) {
            withheld = false;
            exchange.pass(LastHttpContent.EMPTY_LAST_CONTENT);
        }
        exchange.responded();
    }

    /** The answer does not come to its end; whether the client has all of it nevertheless. */
    boolean broken() {
        boolean has = withheld && !exchange.over();
        if (has) {
            notKept(Storing.Refusal.BROKEN);
            exchange.leaveEndpoint();
            complete();
        }
        return has;
    }

    private void record(Recording into, ByteBuf bytes, boolean last) {
        int count = bytes.readableBytes();
        if (into.body.length() + count > settings().maxBodyBytes()) {
            notKept(Storing.Refusal.LENGTH);
            return;
        }
        if (!cache.reserve(count)) {
            notKept(Storing.Refusal.ROOM);
            return;
        }
        int begin = bytes.readerIndex();
        into.body.take((from, array, offset, length) -> bytes.getBytes(begin + from, array, offset, length), count);
        if (last) {
            recorded(into);
        }
    }

    private void recorded(Recording of) {
        if (of.length >= 0 && of.length != of.body.length()) {
            notKept(Storing.Refusal.LENGTH);
        } else if (put(new StoredAnswer(
                of.status, of.fields, of.body.made(), of.verdict.freshness(), of.verdict.vary(), of.times))) {
            cache.giveBack(of.body.length());
            recording = null;
            cache.metrics.kept.inc();
            landKept(of.verdict.freshness());
        } else {
            notKept(Storing.Refusal.OUTDATED);
        }
    }

    /** All of the answer has come, or as much as is needed; whether the client gets something else now. */
    boolean responded() {
        Runnable then = afterwards;
        if (then == null) {
            return false;
        }
        afterwards = null;
        if (refreshing) {
            exchange.finish();
        } else {
            then.run();
        }
        return true;
    }

    // ---- an endpoint that cannot answer

    /** Whether what is kept may be served instead of an answer. */
    boolean standsIn() {
        StoredAnswer known = kept;
        return known != null && sending == null && known.freshness().standsIn(state.now());
    }

    /** There will be no answer; whether the client gets one all the same, or nobody waits for it. */
    boolean undeliverable() {
        if (waits) {
            leave();
        }
        if (responded()) {
            // The endpoint had said enough.
            return true;
        }
        StoredAnswer known = kept;
        if (refreshing) {
            exchange.finish();
            return true;
        }
        if (known != null && standsIn()) {
            notKept(null);
            serveInstead(known, 0);
            return true;
        }
        if (fetching) {
            notKept(null);
        }
        return false;
    }

    /** Another service is asked, whose answers are not kept, and which knows nothing of what is. */
    void fallBack() {
        kept = null;
        others = List.of();
        if (fetching) {
            fetching = false;
            CONDITIONS.forEach(request.headers()::remove);
            notKept(null);
        }
    }

    private void serveInstead(StoredAnswer known, int code) {
        outcome = Outcome.STALE;
        status = status.answered(code).because("stale-if-error");
        serve(known);
    }

    // ---- answers out of the cache

    /** Whether the client is being sent what is kept. */
    boolean sends() {
        return sending != null;
    }

    private void serve(StoredAnswer answer) {
        exchange.leaveEndpoint();
        KeptAnswer made =
                KeptAnswer.of(answer, conditions, seconds(), answer.freshness().age(state.now()), exchange::describe);
        made.head().headers().add(CACHE_STATUS, status.text());
        exchange.start(made.head());
        boolean toHead = request.method().equals(HttpMethod.HEAD);
        Sending body = new Sending(answer.body(), made.from(), toHead ? made.from() : made.end());
        sending = body;
        send(body);
    }

    void clientWritable(boolean writable) {
        Sending body = sending;
        if (writable && body != null) {
            send(body);
        }
    }

    /** As much as the client takes. */
    private void send(Sending body) {
        if (body.busy) {
            return;
        }
        body.busy = true;
        boolean ended = false;
        while (!ended && !exchange.over() && exchange.clientWritable()) {
            HttpContent part = KeptAnswer.part(body.body, body.at, body.end);
            body.at += part.content().readableBytes();
            ended = part instanceof LastHttpContent;
            exchange.pass(part);
        }
        body.busy = false;
        exchange.progressed();
        if (ended) {
            sending = null;
            exchange.responded();
        } else if (!exchange.over()) {
            exchange.answer().flush();
        }
    }

    // ---- the end

    /** The request is over. */
    void end() {
        if (waits) {
            leave();
        }
        if (refreshing) {
            cache.endRefresh();
        } else {
            place.figures().counted(outcome);
        }
        if (recording != null) {
            notKept(Storing.Refusal.BROKEN);
        } else {
            land(CacheFlights.Landing.ABANDONED);
        }
    }
}
