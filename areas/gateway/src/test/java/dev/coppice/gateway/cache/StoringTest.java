package dev.coppice.gateway.cache;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.cache.Storing.Refusal;
import dev.coppice.gateway.config.ContentConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.RouteFilterConfig;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which answers are kept (RFC 9111, 3), for which requests (4.1), and how they are found, confirmed and dropped. */
class StoringTest {
    private static final long NOW = 1_767_225_600;
    private static final Freshness.Times TIMES = new Freshness.Times(0, 0, NOW);
    private static final ContentConfig.Cache SETTINGS = FreshnessTest.settings(0, 0, 0);
    private static final Storing.Asked ANYBODY = new Storing.Asked(CacheControl.NONE, false, false, List.of());
    private static final Storing.Asked SOMEBODY = new Storing.Asked(CacheControl.NONE, true, false, List.of());
    private static final Fields PLAIN = Fields.of();

    private static @Nullable Refusal refusal(
            Storing.Asked asked, int status, Fields answer, ContentConfig.Cache settings) {
        return Storing.decide(asked, PLAIN, status, answer, TIMES, settings) instanceof Storing.Verdict.Pass pass
                ? pass.why()
                : null;
    }

    private static @Nullable Refusal refusal(Storing.Asked asked, int status, String... answer) {
        return refusal(asked, status, Fields.of(answer), SETTINGS);
    }

    // ---- whether

    @ParameterizedTest
    @ValueSource(ints = {200, 203, 204, 300, 301, 302, 307, 308, 404, 405, 410, 414, 451})
    void whatSaysThatItIsFreshIsKept(int status) {
        assertThat(refusal(ANYBODY, status, "cache-control", "max-age=60")).isNull();
    }

    /** An error that one client's odd header, or a bad moment, has brought about. */
    @ParameterizedTest
    @ValueSource(ints = {400, 401, 403, 413, 429, 431, 500, 501, 502, 503, 504})
    void anErrorThatMayPassIsKeptOnlyIfItIsForAll(int status) {
        assertThat(refusal(ANYBODY, status, "cache-control", "max-age=60")).isEqualTo(Refusal.STATUS);
        assertThat(refusal(ANYBODY, status, "cache-control", "public, max-age=60"))
                .isNull();
        assertThat(refusal(ANYBODY, status, "cache-control", "s-maxage=60")).isNull();
    }

    @ParameterizedTest
    @ValueSource(ints = {206, 304, 299, 399, 418, 599})
    void whatIsNotUnderstoodIsNot(int status) {
        assertThat(refusal(ANYBODY, status, "cache-control", "max-age=60")).isEqualTo(Refusal.STATUS);
        assertThat(refusal(ANYBODY, status, "cache-control", "max-age=60, must-understand, no-store"))
                .isEqualTo(Refusal.STATUS);
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '|',
            value = {
                "|no-store, max-age=60|,NO_STORE",
                "|no-store, must-understand, max-age=60|,",
                "|private, max-age=60|,PRIVATE",
                "|private=\"set-cookie\", max-age=60|,PRIVATE",
                "|max-age=60; public|,MALFORMED",
                "|max-age=0|,NO_FRESHNESS",
                "|no-cache, max-age=60|,NO_FRESHNESS",
                "|public|,NO_FRESHNESS",
                "|max-age=60|,"
            })
    void directivesDecide(String control, @Nullable Refusal expected) {
        assertThat(refusal(ANYBODY, 200, "cache-control", control)).isEqualTo(expected);
    }

    @Test
    void whatCanBeAskedForAgainIsKeptThoughItIsNotFresh() {
        assertThat(refusal(ANYBODY, 200, "cache-control", "no-cache", "etag", "\"a\""))
                .isNull();
        assertThat(refusal(ANYBODY, 200, "etag", "\"a\"")).isNull();
        assertThat(refusal(ANYBODY, 200, "etag", "a")).isEqualTo(Refusal.NO_FRESHNESS);
        assertThat(refusal(ANYBODY, 500, "etag", "\"a\"")).isEqualTo(Refusal.NO_FRESHNESS);
    }

    @Test
    void whatHasNoEndIsNotKept() {
        assertThat(refusal(
                        ANYBODY,
                        200,
                        "cache-control",
                        "max-age=60",
                        "content-type",
                        "text/event-stream; charset=utf-8"))
                .isEqualTo(Refusal.STREAM);
        assertThat(refusal(ANYBODY, 200, "cache-control", "max-age=60", "content-type", "text/plain"))
                .isNull();
    }

    @Test
    void cookiesAreForOneClient() {
        assertThat(refusal(ANYBODY, 200, "cache-control", "public, max-age=60", "set-cookie", "a=b"))
                .isEqualTo(Refusal.COOKIES);
        Storing.Asked cookies = new Storing.Asked(CacheControl.NONE, false, true, List.of());
        ContentConfig.Cache minute = FreshnessTest.settings(60, 0, 0);
        assertThat(refusal(ANYBODY, 200, PLAIN, minute)).isNull();
        assertThat(refusal(cookies, 200, PLAIN, minute)).isEqualTo(Refusal.NO_FRESHNESS);
        assertThat(refusal(cookies, 200, "cache-control", "max-age=60")).isNull();
    }

    /** Whose answer it is nobody knows: it is not used longer, or otherwise, than it says. */
    @Test
    void nothingIsMadeOfAnswersToCookiesButWhatTheySay() {
        Storing.Asked cookies = new Storing.Asked(CacheControl.NONE, false, true, List.of());
        ContentConfig.Cache generous = FreshnessTest.settings(60, 60, 60);
        assertThat(refusal(cookies, 200, Fields.of("etag", "\"a\""), generous)).isEqualTo(Refusal.NO_FRESHNESS);
        assertThat(refusal(cookies, 200, Fields.of("etag", "\"a\"", "cache-control", "no-cache"), generous))
                .isNull();
        Fields said = Fields.of("etag", "\"a\"", "cache-control", "max-age=0");
        assertThat(Storing.decide(cookies, PLAIN, 200, said, TIMES, generous))
                .isInstanceOfSatisfying(Storing.Verdict.Keep.class, keep -> {
                    Freshness freshness = keep.freshness();
                    assertThat(freshness.standsIn(1_000_000_000)).isFalse();
                    assertThat(Reuse.of(freshness, CacheControl.NONE, 1_000_000_000))
                            .isEqualTo(Reuse.VALIDATE);
                    assertThat(Reuse.of(freshness, CacheControl.read(List.of("max-stale")), 1_000_000_000))
                            .isEqualTo(Reuse.VALIDATE);
                });
        Fields open = Fields.of("etag", "\"a\"", "cache-control", "public");
        assertThat(Storing.decide(cookies, PLAIN, 200, open, TIMES, generous))
                .isInstanceOfSatisfying(
                        Storing.Verdict.Keep.class,
                        keep -> assertThat(keep.freshness().lifetime()).isEqualTo(60));
    }

    /** An endpoint might confirm to somebody what it has sent to somebody else. */
    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '|',
            value = {
                "|no-cache|,NO_FRESHNESS",
                "|max-age=0|,NO_FRESHNESS",
                "|max-age=0, must-revalidate|,NO_FRESHNESS",
                "|must-revalidate|,NO_FRESHNESS",
                "|max-age=60|,",
                "|public|,",
                "|public, no-cache|,"
            })
    void whatAnswersCookiesIsNotConfirmedByADateOrAWeakTag(String control, @Nullable Refusal expected) {
        Storing.Asked cookies = new Storing.Asked(CacheControl.NONE, false, true, List.of());
        for (String[] each : new String[][] {{"etag", "W/\"a\""}, {"last-modified", HttpDate.text(NOW - 1_000)}}) {
            assertThat(refusal(cookies, 200, each[0], each[1], "cache-control", control))
                    .isEqualTo(expected);
        }
    }

    /** RFC 9111, 3.5. */
    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '|',
            value = {
                "|max-age=60|,AUTHORIZATION",
                "|max-age=60, proxy-revalidate|,AUTHORIZATION",
                "|max-age=60, public|,",
                "|s-maxage=60|,",
                "|max-age=60, must-revalidate|,",
                "|private, public, max-age=60|,PRIVATE"
            })
    void whoeverHasCredentialsGetsWhatIsForAll(String control, @Nullable Refusal expected) {
        assertThat(refusal(SOMEBODY, 200, "cache-control", control)).isEqualTo(expected);
        StoredAnswer kept = answer("a", "cache-control", control);
        assertThat(kept.forAll()).isEqualTo(expected != Refusal.AUTHORIZATION);
    }

    @Test
    void aRequestMaySayThatNothingIsKept() {
        Storing.Asked asked = new Storing.Asked(CacheControl.read(List.of("no-store")), false, false, List.of());
        assertThat(refusal(asked, 200, "cache-control", "max-age=60")).isEqualTo(Refusal.REQUEST);
    }

    // ---- for whom

    private static Vary vary(Fields answer, Fields request) {
        return Vary.of(answer, request, List.of(), 16);
    }

    @Test
    void anAnswerIsForRequestsThatAreEqualInWhatItNames() {
        Vary vary = vary(Fields.of("vary", "Accept, X-A", "vary", "x-b"), Fields.of("accept", "a ,b", "x-a", "1"));
        assertThat(vary.names()).containsExactly("accept", "x-a", "x-b");
        assertThat(vary.matches(Fields.of("accept", "a", "accept", "b", "x-a", "1")))
                .isTrue();
        assertThat(vary.matches(Fields.of("accept", "b,a", "x-a", "1"))).isFalse();
        assertThat(vary.matches(Fields.of("accept", "a,b", "x-a", "1", "x-b", "")))
                .isFalse();
        assertThat(vary.matches(Fields.of("accept", "a,b"))).isFalse();
        assertThat(vary(Fields.of("vary", "accept, *"), PLAIN)).isNull();
        assertThat(vary(Fields.of("vary", "a b"), PLAIN)).isNull();
        StringBuilder many = new StringBuilder();
        for (int i = 0; i < 17; i++) {
            many.append(",x").append(i);
        }
        assertThat(vary(Fields.of("vary", many.toString()), PLAIN)).isNull();
    }

    /** Such as where the gateway tells that the client is. */
    @Test
    void whatTheGatewayTellsCountsWhateverTheAnswerSays() {
        Storing.Asked asked = new Storing.Asked(CacheControl.NONE, false, false, List.of("x-country"));
        Fields swiss = Fields.of("x-country", "CH");
        Fields answer = Fields.of("cache-control", "max-age=60", "vary", "accept");
        assertThat(Storing.decide(asked, swiss, 200, answer, TIMES, SETTINGS))
                .isInstanceOfSatisfying(Storing.Verdict.Keep.class, keep -> {
                    assertThat(keep.vary().matches(swiss)).isTrue();
                    assertThat(keep.vary().matches(Fields.of("x-country", "DE")))
                            .isFalse();
                    assertThat(keep.vary().matches(PLAIN)).isFalse();
                });
    }

    @Test
    void whatManyApplicationsGoByIsPartOfTheKey() {
        AnswerStore store = new AnswerStore(1 << 20);
        CacheRegion region = region(store, "r", SETTINGS);
        store.keepOnly(List.of(region));
        CacheKey plain = region.key("http://a", "/b", PLAIN);
        for (String each : List.of(
                "x-forwarded-prefix", "x-forwarded-port", "forwarded", "x-original-url", "x-http-method-override")) {
            assertThat(region.key("http://a", "/b", Fields.of(each, "evil")))
                    .as(each)
                    .isNotEqualTo(plain);
        }
        assertThat(region.key("http://a", "/b", Fields.of("x-other", "1"))).isEqualTo(plain);
        // A method that is written elsewhere changes what is kept of all the same.
        assertThat(store.keys("r", "http://a", "/b", Fields.of("x-http-method-override", "DELETE")))
                .containsExactly(plain);
    }

    @Test
    void filtersAreWhatTheyDo() {
        AnswerStore store = new AnswerStore(1 << 20);
        CacheRegion one = store.region(place("a"));
        assertThat(store.region(place("a"))).isSameAs(one);
        assertThat(store.region(place("b"))).isNotSameAs(one);
        CacheRegion made = store.region(place("{request.cookie.user}"));
        assertThat(made.key("http://a", "/b", Fields.of("x-tenant", "1")))
                .isNotEqualTo(made.key("http://a", "/b", Fields.of("x-tenant", "2")));
        CacheRegion numbered = store.region(place("{request_id}"));
        assertThat(numbered.key("http://a", "/b", Fields.of("x-tenant", "1")))
                .isEqualTo(numbered.key("http://a", "/b", Fields.of("x-tenant", "2")));
    }

    private static CacheRegion.Place place(String value) {
        FilterConfig.HeaderChanges changes = new FilterConfig.HeaderChanges(
                List.of(new FilterConfig.Header("X-Tenant", value)), List.of(), List.of());
        RouteFilterConfig filter = new RouteFilterConfig(
                "default/f", "", "", changes, FilterConfig.HeaderChanges.NONE, null, null, null, null, null);
        return new CacheRegion.Place(
                "r", "u", List.of(List.of(new FilterConfig.Named("default/f"))), List.of(filter), List.of(), SETTINGS);
    }

    @Test
    void whatIsEncodedVariesWithWhatClientsTake() {
        assertThat(vary(Fields.of("content-encoding", "gzip"), Fields.of("accept-encoding", "gzip"))
                        .matches(PLAIN))
                .isFalse();
        assertThat(vary(Fields.of("content-encoding", "identity"), PLAIN).names())
                .isEmpty();
    }

    // ---- the store

    private static StoredAnswer answer(String text, String... fields) {
        return answer(PLAIN, text, fields);
    }

    private static StoredAnswer answer(Fields request, String text, String... fields) {
        Fields all = Fields.of(fields);
        Body.Recorder body = new Body.Recorder();
        byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.US_ASCII);
        body.take((from, into, offset, count) -> System.arraycopy(bytes, from, into, offset, count), bytes.length);
        Freshness freshness =
                Freshness.of(200, all, CacheControl.read(all.all("cache-control")), TIMES, SETTINGS, true);
        return new StoredAnswer(200, all, body.made(), freshness, vary(all, request), TIMES);
    }

    private static CacheRegion region(AnswerStore store, String route, ContentConfig.Cache settings) {
        return store.region(new CacheRegion.Place(route, "u", List.of(), List.of(), List.of(), settings));
    }

    private static @Nullable StoredAnswer found(AnswerStore store, CacheKey key, Fields request) {
        return store.find(key, request, 0).answer();
    }

    @Test
    void answersAreFoundByWhatTheyAreFor() {
        AnswerStore store = new AnswerStore(1 << 20);
        CacheRegion region = region(store, "r", SETTINGS);
        CacheKey key = region.key("http://a", "/b", PLAIN);
        Fields german = Fields.of("accept-language", "de");
        StoredAnswer one = answer("one", "vary", "accept-language");
        StoredAnswer two = answer(german, "two", "vary", "accept-language");
        store.put(key, one);
        store.put(key, two);
        assertThat(found(store, key, PLAIN)).isSameAs(one);
        assertThat(found(store, key, german)).isSameAs(two);
        assertThat(store.find(key, Fields.of("accept-language", "fr"), 0))
                .isEqualTo(new AnswerStore.Found(null, List.of(two, one), false));
        StoredAnswer three = answer(german, "three", "vary", "accept-language");
        store.put(key, three);
        assertThat(found(store, key, german)).isSameAs(three);
        store.remove(key, three);
        assertThat(found(store, key, german)).isNull();
        assertThat(found(store, key, PLAIN)).isSameAs(one);
        assertThat(store.invalidate(key)).isTrue();
        assertThat(store.invalidate(key)).isFalse();
        assertThat(store.bytes()).isZero();
    }

    @Test
    void variantsAreBounded() {
        AnswerStore store = new AnswerStore(1 << 20);
        CacheKey key = region(store, "r", SETTINGS).key("http://a", "/b", PLAIN);
        for (int i = 0; i < 100; i++) {
            store.put(key, answer(Fields.of("x", "" + i), "text", "vary", "x"));
        }
        List<Integer> left = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
            if (found(store, key, Fields.of("x", "" + i)) != null) {
                left.add(i);
            }
        }
        assertThat(left).hasSize(AnswerStore.MOST_VARIANTS).contains(99, 68).doesNotContain(67);
    }

    @Test
    void bytesAreBounded() {
        AnswerStore store = new AnswerStore(100_000);
        CacheRegion region = region(store, "r", SETTINGS);
        for (int i = 0; i < 1_000; i++) {
            store.put(region.key("http://a", "/" + i, PLAIN), answer("x".repeat(1_000)));
            assertThat(store.bytes()).isLessThanOrEqualTo(100_000);
        }
        assertThat(store.size()).isBetween(20L, 80L);
        assertThat(store.evicted()).isEqualTo(1_000 - store.size());
        store.put(region.key("http://a", "/long", PLAIN), answer("x".repeat(200_000)));
        assertThat(store.bytes()).isLessThanOrEqualTo(100_000);
    }

    @Test
    void regionsAreSharedAndForgotten() {
        AnswerStore store = new AnswerStore(1 << 20);
        CacheRegion one = region(store, "r", SETTINGS);
        CacheRegion two = region(store, "r", FreshnessTest.settings(1, 0, 0));
        assertThat(region(store, "r", SETTINGS)).isSameAs(one);
        CacheKey key = one.key("http://a", "/b", PLAIN);
        CacheKey other = two.key("http://a", "/b", PLAIN);
        store.put(key, answer("one"));
        store.put(other, answer("two"));
        store.keepOnly(List.of(one, two));
        assertThat(store.keys("r", "http://a", "/b", PLAIN)).containsExactlyInAnyOrder(key, other);
        store.keepOnly(List.of(two));
        assertThat(found(store, key, PLAIN)).isNull();
        assertThat(found(store, other, PLAIN)).isNotNull();
        // What was on its way then is not kept.
        store.put(key, answer("one"));
        assertThat(found(store, key, PLAIN)).isNull();
        assertThat(region(store, "r", SETTINGS)).isNotSameAs(one);
    }

    @Test
    void requestsDoNotWaitForWhatIsNotKept() {
        AnswerStore store = new AnswerStore(1 << 20);
        CacheKey key = region(store, "r", SETTINGS).key("http://a", "/b", PLAIN);
        store.uncollapse(key, 10);
        assertThat(store.find(key, PLAIN, 9)).isEqualTo(new AnswerStore.Found(null, List.of(), true));
        assertThat(store.find(key, PLAIN, 10)).isEqualTo(new AnswerStore.Found(null, List.of(), false));
        store.put(key, answer("a"));
        assertThat(store.find(key, PLAIN, 9).uncollapsed()).isFalse();
    }

    // ---- confirmed (RFC 9111, 3.2 and 4.3.4)

    @Test
    void aConfirmationFreshensTheFields() {
        StoredAnswer kept = answer(
                "text",
                "etag",
                "\"a\"",
                "content-type",
                "text/plain",
                "x-a",
                "1",
                "x-b",
                "1",
                "cache-control",
                "max-age=5");
        Fields told = Fields.of(
                "etag",
                "\"a\"",
                "x-a",
                "2",
                "x-a",
                "3",
                "content-length",
                "0",
                "content-type",
                "text/html",
                "connection",
                "close",
                "cache-control",
                "max-age=50",
                "age",
                "7");
        assertThat(kept.confirmedBy(told)).isTrue();
        StoredAnswer.Confirmed confirmed = kept.confirmed(told, ANYBODY, PLAIN, TIMES, SETTINGS);
        assertThat(confirmed.refusal()).isNull();
        StoredAnswer now = confirmed.answer();
        assertThat(now.fields().all("x-a")).containsExactly("2", "3");
        assertThat(now.fields().all("x-b")).containsExactly("1");
        assertThat(now.fields().all("content-type")).containsExactly("text/plain");
        assertThat(now.fields().has("content-length")
                        || now.fields().has("connection")
                        || now.fields().has("age"))
                .isFalse();
        assertThat(now.freshness().lifetime()).isEqualTo(50);
        assertThat(now.freshness().age(0)).isEqualTo(7);
        assertThat(now.body()).isSameAs(kept.body());
        assertThat(kept.confirmed(Fields.of("cache-control", "no-store"), ANYBODY, PLAIN, TIMES, SETTINGS)
                        .refusal())
                .isEqualTo(Refusal.NO_STORE);
    }

    /** The Date of what was kept would make what was just confirmed look old. */
    @Test
    void aConfirmationWithoutADateIsOfNow() {
        StoredAnswer kept =
                answer("text", "etag", "\"a\"", "date", HttpDate.text(NOW - 1_000), "cache-control", "max-age=5");
        StoredAnswer now =
                kept.confirmed(PLAIN, ANYBODY, PLAIN, TIMES, SETTINGS).answer();
        assertThat(now.freshness().age(0)).isZero();
    }

    @Test
    void aConfirmationIsOfOneVersion() {
        StoredAnswer kept = answer("text", "etag", "\"a\"", "last-modified", HttpDate.text(NOW - 100));
        assertThat(kept.confirmedBy(PLAIN)).isTrue();
        assertThat(kept.confirmedBy(Fields.of("etag", "W/\"a\""))).isTrue();
        assertThat(kept.confirmedBy(Fields.of("etag", "\"b\""))).isFalse();
        assertThat(kept.confirmedBy(Fields.of("last-modified", HttpDate.text(NOW - 100))))
                .isTrue();
        assertThat(kept.confirmedBy(Fields.of("last-modified", HttpDate.text(NOW - 99))))
                .isFalse();
    }

    // ---- conditions (RFC 9110, 13)

    @Test
    void conditionsAreLookedAtInTheirOrder() {
        Fields answer =
                Fields.of("etag", "\"a\"", "last-modified", HttpDate.text(NOW - 100), "date", HttpDate.text(NOW));
        assertThat(notModified(answer, "if-none-match", "\"b\", W/\"a\"")).isTrue();
        assertThat(notModified(answer, "if-none-match", "*")).isTrue();
        assertThat(notModified(answer, "if-none-match", "\"b\"", "if-modified-since", HttpDate.text(NOW)))
                .isFalse();
        assertThat(notModified(answer, "if-none-match", "a")).isFalse();
        assertThat(notModified(answer, "if-modified-since", HttpDate.text(NOW - 100)))
                .isTrue();
        assertThat(notModified(answer, "if-modified-since", HttpDate.text(NOW - 101)))
                .isFalse();
        assertThat(notModified(answer, "if-modified-since", "yesterday")).isFalse();
        assertThat(notModified(answer)).isFalse();
        assertThat(notModified(PLAIN, "if-none-match", "\"a\"")).isFalse();
    }

    private static boolean notModified(Fields answer, String... request) {
        return Preconditions.notModified(Fields.of(request), answer, NOW);
    }

    @Test
    void aPartIsOfTheVersionThatIsMeant() {
        Fields answer =
                Fields.of("etag", "\"a\"", "last-modified", HttpDate.text(NOW - 100), "date", HttpDate.text(NOW));
        assertThat(range(answer)).isEqualTo(new ByteRange.Part(0, 1));
        assertThat(range(answer, "if-range", "\"a\"")).isEqualTo(new ByteRange.Part(0, 1));
        assertThat(range(answer, "if-range", "W/\"a\"")).isEqualTo(ByteRange.WHOLE);
        assertThat(range(answer, "if-range", "\"b\"")).isEqualTo(ByteRange.WHOLE);
        assertThat(range(answer, "if-range", HttpDate.text(NOW - 100))).isEqualTo(new ByteRange.Part(0, 1));
        assertThat(range(answer, "if-range", HttpDate.text(NOW - 99))).isEqualTo(ByteRange.WHOLE);
        Fields weak = Fields.of("last-modified", HttpDate.text(NOW), "date", HttpDate.text(NOW));
        assertThat(range(weak, "if-range", HttpDate.text(NOW))).isEqualTo(ByteRange.WHOLE);
    }

    private static ByteRange range(Fields answer, String... request) {
        Fields all = Fields.of("range", "bytes=0-1").with(Fields.of(request));
        return Preconditions.range(all, answer, 10, NOW);
    }
}
