package dev.coppice.gateway.cache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How fields are read, with the examples of the RFCs. */
class SyntaxTest {
    private static final long NOW = 1_767_225_600; // 2026-01-01T00:00:00Z

    private static CacheControl control(String... lines) {
        return CacheControl.read(List.of(lines));
    }

    // ---- Cache-Control

    @Test
    void directivesAreReadInAnyCaseAndForm() {
        CacheControl read =
                control("Max-Age=60, S-MAXAGE=\"30\" ,,private=\"a, b\"", "must-revalidate,stale-if-error=5");
        assertThat(read.maxAge()).isEqualTo(60);
        assertThat(read.sharedMaxAge()).isEqualTo(30);
        assertThat(read.personal()).isTrue();
        assertThat(read.mustRevalidate()).isTrue();
        assertThat(read.staleIfError()).isEqualTo(5);
        assertThat(read.staleWhileRevalidate()).isEqualTo(CacheControl.UNSAID);
        assertThat(read.malformed()).isFalse();
        CacheControl all = control(
                "no-store, no-cache=\"set-cookie\", public, proxy-revalidate, must-understand, only-if-cached, community=\"UCI\", x");
        assertThat(all.noStore() && all.noCache() && all.open() && all.proxyRevalidate())
                .isTrue();
        assertThat(all.mustUnderstand() && all.onlyIfCached()).isTrue();
        assertThat(all.malformed()).isFalse();
    }

    @Test
    void theStricterOfTwoCounts() {
        assertThat(control("max-age=60, max-age=5").maxAge()).isEqualTo(5);
        assertThat(control("max-age=5", "max-age=60").maxAge()).isEqualTo(5);
        assertThat(control("max-stale, max-stale=5").maxStale()).isEqualTo(5);
        assertThat(control("min-fresh=1, min-fresh=5").minFresh()).isEqualTo(5);
    }

    /** RFC 9111, 1.2.2 and 4.2.1. */
    @Test
    void timesThatCannotBeReadAreNone() {
        assertThat(control("max-age=1.5").maxAge()).isZero();
        assertThat(control("max-age=-1").maxAge()).isZero();
        assertThat(control("max-age").maxAge()).isZero();
        assertThat(control("s-maxage=abc").sharedMaxAge()).isZero();
        assertThat(control("max-age=\"\"").maxAge()).isZero();
        assertThat(control("max-age=" + "9".repeat(30)).maxAge()).isEqualTo(1L << 31);
        assertThat(control("max-age=2147483649").maxAge()).isEqualTo(1L << 31);
        assertThat(control("stale-if-error=x").staleIfError()).isEqualTo(CacheControl.UNSAID);
        assertThat(control("max-stale").maxStale()).isEqualTo(CacheControl.ANY);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "max-age=60; public",
                "max-age=\"60",
                "=1",
                "max-age=",
                "a b",
                "é",
                "max-age =60",
                "a=\"b\"c",
                "a=\"b\\"
            })
    void whatIsNoDirectiveIsTold(String line) {
        assertThat(control(line).malformed()).isTrue();
    }

    @Test
    void fieldsAreBounded() {
        assertThat(control("a,".repeat(64)).malformed()).isFalse();
        assertThat(control("a,".repeat(65)).malformed()).isTrue();
        assertThat(control("a".repeat(9_000)).malformed()).isTrue();
    }

    @Test
    void pragmaCountsWhereNothingElseIsSaid() {
        assertThat(CacheControl.ofRequest(Fields.of("pragma", "no-cache")).noCache())
                .isTrue();
        assertThat(CacheControl.ofRequest(Fields.of("pragma", "no-cache", "cache-control", "max-age=5"))
                        .noCache())
                .isFalse();
        assertThat(CacheControl.ofRequest(Fields.of()).noCache()).isFalse();
    }

    // ---- dates (RFC 9110, 5.6.7)

    @ParameterizedTest
    @ValueSource(
            strings = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"})
    void datesHaveThreeForms(String text) {
        assertThat(HttpDate.read(text, NOW)).isEqualTo(784_111_777);
        assertThat(HttpDate.text(784_111_777)).isEqualTo("Sun, 06 Nov 1994 08:49:37 GMT");
    }

    @Test
    void yearsOfTwoDigitsAreNearToNow() {
        assertThat(HttpDate.read("Thursday, 01-Jan-70 00:00:00 GMT", NOW)).isGreaterThan(NOW);
        assertThat(HttpDate.read("Friday, 01-Jan-77 00:00:00 GMT", NOW)).isLessThan(NOW);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "0",
                "-1",
                "Sun, 6 Nov 1994 08:49:37 GMT",
                "Sun, 06 Nov 1994 08:49:37 CET",
                "Sun, 31 Feb 1994 08:49:37 GMT",
                "Sun, 06 Foo 1994 08:49:37 GMT",
                "Sun, 06 Nov 1994 24:00:00 GMT",
                "1994-11-06T08:49:37Z",
                " Sun, 06 Nov 1994 08:49:37 GMT"
            })
    void whatIsNoDateIsNone(String text) {
        assertThat(HttpDate.read(text, NOW)).isNull();
    }

    // ---- entity tags (RFC 9110, 8.8.3.2)

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '|',
            value = {
                "W/\"1\",W/\"1\",false,true",
                "W/\"1\",W/\"2\",false,false",
                "W/\"1\",\"1\",false,true",
                "\"1\",\"1\",true,true"
            })
    void tagsAreComparedAsTheRfcSays(String one, String other, boolean strong, boolean weak) {
        EntityTag a = EntityTag.read(one);
        EntityTag b = EntityTag.read(other);
        assertThat(a.isSame(b)).isEqualTo(strong);
        assertThat(a.meansSame(b)).isEqualTo(weak);
    }

    @Test
    void listsOfTagsAreReadWholeOrNotAtAll() {
        assertThat(EntityTag.readAll("\"xyzzy\", W/\"r2d2,x\" ,, \"\"")).hasSize(3);
        assertThat(EntityTag.readAll("\"a\" \"b\"")).isNull();
        assertThat(EntityTag.readAll("a")).isNull();
        assertThat(EntityTag.readAll("\"a")).isNull();
        assertThat(EntityTag.readAll("w/\"a\"")).isNull();
        assertThat(EntityTag.readAll("\"a\",".repeat(300))).isNull();
        assertThat(EntityTag.read("\"a\", \"b\"")).isNull();
    }

    // ---- ranges (RFC 9110, 14.1.2)

    @ParameterizedTest
    @CsvSource({
        "bytes=0-499,0,499",
        "bytes=500-999,500,999",
        "bytes=-500,9500,9999",
        "bytes=9500-,9500,9999",
        "bytes=0-0,0,0",
        "BYTES=9000-99999,9000,9999",
        "bytes=-99999,0,9999"
    })
    void partsAreCountedAsTheRfcSays(String range, long first, long last) {
        assertThat(ByteRange.read(range, 10_000)).isEqualTo(new ByteRange.Part(first, last));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "bytes=0-0,-1",
                "bytes=5-4",
                "bytes=",
                "bytes=-",
                "bytes=a-b",
                "lines=1-2",
                "bytes=--1",
                "bytes=1"
            })
    void whatIsNotServedInPartsIsServedWhole(String range) {
        assertThat(ByteRange.read(range, 10_000)).isEqualTo(ByteRange.WHOLE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytes=10000-", "bytes=10000-10001", "bytes=-0"})
    void whatIsNotThereIsTold(String range) {
        assertThat(ByteRange.read(range, 10_000)).isEqualTo(new ByteRange.Unsatisfiable());
    }

    // ---- keys

    @ParameterizedTest
    @CsvSource({
        "/a,/a",
        "/a?,/a?",
        "/a?b=1&utm_x=1&c,/a?b=1&c",
        "/a?utm_x&ref=1,/a",
        "/a?ref&b=1,/a?b=1",
        "/a?reference=1,/a?reference=1",
        "/a?b=utm_x,/a?b=utm_x",
        "/a?utm_x=1;b=2&ref=1,/a?utm_x=1;b=2",
        "/a?&&b,/a?&&b"
    })
    void parametersAreLeftOut(String target, String kept) {
        assertThat(new QueryFilter(List.of("utm_*", "ref")).apply(target)).isEqualTo(kept);
    }

    // ---- what a cache says (RFC 9211)

    @Test
    void cacheStatusIsAStructuredField() {
        assertThat(CacheStatus.hit(30, false).text()).isEqualTo("coppice; hit; ttl=30");
        assertThat(CacheStatus.hit(-3, true).text()).isEqualTo("coppice; hit; collapsed; ttl=-3");
        assertThat(CacheStatus.forwarded(CacheStatus.Forward.URI_MISS)
                        .answered(200)
                        .kept(60)
                        .text())
                .isEqualTo("coppice; fwd=uri-miss; fwd-status=200; stored; ttl=60");
        assertThat(CacheStatus.forwarded(CacheStatus.Forward.STALE)
                        .answered(503)
                        .because("stale-if-error")
                        .text())
                .isEqualTo("coppice; fwd=stale; fwd-status=503; detail=stale-if-error");
    }

    // ---- bodies

    @Test
    void bodiesAreWhatWasTaken() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 50; round++) {
            Body.Recorder recorder = new Body.Recorder();
            List<Byte> taken = new ArrayList<>();
            int parts = random.nextInt(6);
            for (int i = 0; i < parts; i++) {
                byte[] part = new byte[random.nextInt(2 * Body.PIECE_BYTES)];
                random.nextBytes(part);
                recorder.take(
                        (from, into, offset, count) -> System.arraycopy(part, from, into, offset, count), part.length);
                for (byte each : part) {
                    taken.add(each);
                }
            }
            Body body = recorder.made();
            assertThat(body.length()).as("seed %d", seed).isEqualTo(taken.size());
            for (int at = 0; at < taken.size(); at += 1 + random.nextInt(1000)) {
                assertThat(body.piece(at)[at % Body.PIECE_BYTES])
                        .as("seed %d", seed)
                        .isEqualTo(taken.get(at));
            }
        }
    }

    /** Whatever comes, nothing is thrown. */
    @Test
    void anythingCanBeRead() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        String alphabet = "abm-x=\"\\, \t;0123456789/W*:GMTSunNov'\0é";
        for (int round = 0; round < 50_000; round++) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(24); i > 0; i--) {
                text.append(alphabet.charAt(random.nextInt(alphabet.length())));
            }
            String field = text.toString();
            String seen = "seed " + seed + ": " + field;
            assertThat(control(field)).as(seen).isNotNull();
            assertThat(HttpDate.read(field, NOW)).as(seen).isNull();
            EntityTag.readAll(field);
            assertThat(ByteRange.read("bytes=" + field, 100)).as(seen).isNotNull();
            assertThat(new QueryFilter(List.of("a*")).apply(field)).as(seen).isNotNull();
        }
    }
}
