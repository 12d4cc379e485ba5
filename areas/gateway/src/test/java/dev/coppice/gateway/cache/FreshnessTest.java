package dev.coppice.gateway.cache;

import static dev.coppice.gateway.cache.CacheControl.UNSAID;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.ContentConfig;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How old answers are, how long they are fresh, and what they are good for then (RFC 9111, 4.2). */
class FreshnessTest {
    private static final long NOW = 1_767_225_600;
    private static final long SECOND = 1_000_000_000;
    private static final Freshness.Times TIMES = new Freshness.Times(0, 0, NOW);

    static ContentConfig.Cache settings(long ttl, long whileRevalidate, long ifError) {
        return new ContentConfig.Cache(true, ttl, whileRevalidate, ifError, 1 << 20, List.of(), List.of(), true, 0, "");
    }

    private static Freshness of(Fields answer, ContentConfig.Cache settings) {
        return Freshness.of(200, answer, CacheControl.read(answer.all("cache-control")), TIMES, settings, true);
    }

    private static Freshness of(String... answer) {
        return of(Fields.of(answer), settings(0, 0, 0));
    }

    private static String date(long offset) {
        return HttpDate.text(NOW + offset);
    }

    // ---- lifetimes

    @Test
    void theMostSpecificCounts() {
        assertThat(of("cache-control", "max-age=60, s-maxage=30", "expires", date(100))
                        .lifetime())
                .isEqualTo(30);
        assertThat(of("cache-control", "max-age=60", "expires", date(100)).lifetime())
                .isEqualTo(60);
        assertThat(of("expires", date(100), "date", date(-5)).lifetime()).isEqualTo(105);
        assertThat(of("expires", date(100)).lifetime()).isEqualTo(100);
        assertThat(of("expires", "0").lifetime()).isZero();
        assertThat(of("expires", date(-100)).lifetime()).isZero();
        assertThat(of("expires", date(100), "expires", date(200)).lifetime()).isZero();
        assertThat(of("cache-control", "max-age=x", "expires", date(100)).lifetime())
                .isZero();
    }

    @Test
    void whatIsNotSaidIsGuessed() {
        assertThat(of().lifetime()).isZero();
        assertThat(of("last-modified", date(-1_000)).lifetime()).isEqualTo(100);
        assertThat(of("last-modified", date(-100_000_000)).lifetime()).isEqualTo(86_400);
        assertThat(of("last-modified", date(1_000)).lifetime()).isZero();
        assertThat(of(Fields.of("last-modified", date(-1_000)), settings(60, 0, 0))
                        .lifetime())
                .isEqualTo(60);
        assertThat(of(Fields.of("cache-control", "max-age=5"), settings(60, 0, 0))
                        .lifetime())
                .isEqualTo(5);
        Fields modified = Fields.of("last-modified", date(-1_000));
        assertThat(Freshness.of(404, modified, CacheControl.NONE, TIMES, settings(60, 0, 0), true)
                        .lifetime())
                .isEqualTo(100);
        assertThat(Freshness.of(302, modified, CacheControl.NONE, TIMES, settings(60, 0, 0), true)
                        .lifetime())
                .isZero();
        assertThat(Freshness.of(200, modified, CacheControl.NONE, TIMES, settings(60, 0, 0), false)
                        .lifetime())
                .isZero();
    }

    // ---- age (RFC 9111, 4.2.3)

    @ParameterizedTest
    @CsvSource({"0,0,0,0", "0,10,0,10", "10,0,0,10", "10,5,0,10", "5,10,0,10", "10,0,3,13", "10,20,3,20"})
    void ageIsTheLargerOfWhatIsSaidAndSeen(long age, long dateAgo, long delay, long expected) {
        Freshness freshness = Freshness.of(
                200,
                Fields.of("age", "" + age, "date", date(-dateAgo)),
                CacheControl.NONE,
                new Freshness.Times(0, delay * SECOND, NOW),
                settings(0, 0, 0),
                true);
        assertThat(freshness.age(delay * SECOND)).isEqualTo(expected);
        assertThat(freshness.age((delay + 7) * SECOND)).isEqualTo(expected + 7);
    }

    @Test
    void anAgeThatIsNoneDoesNotCount() {
        assertThat(of("age", "x").age(0)).isZero();
        assertThat(of("age", "-5").age(0)).isZero();
        assertThat(of("age", "5, 7").age(0)).isEqualTo(5);
        assertThat(of("age", "9".repeat(40)).age(0)).isZero();
        assertThat(of("date", date(500)).age(0)).isZero();
    }

    /** Age only grows, by the time that passes; an answer is fresh until its age is its lifetime, never after. */
    @Test
    void aModelOfAgesHolds() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 5_000; round++) {
            long lifetime = random.nextInt(100);
            long said = random.nextInt(50);
            long dateAgo = random.nextInt(100) - 20L;
            long delay = random.nextInt(10);
            Freshness freshness = Freshness.of(
                    200,
                    Fields.of("cache-control", "max-age=" + lifetime, "age", "" + said, "date", date(-dateAgo)),
                    CacheControl.read(List.of("max-age=" + lifetime)),
                    new Freshness.Times(1_000 * SECOND, (1_000 + delay) * SECOND, NOW),
                    settings(0, 0, 0),
                    true);
            long passed = random.nextInt(200);
            long now = (1_000 + delay + passed) * SECOND;
            long age = Math.max(Math.max(0, dateAgo), said + delay) + passed;
            String seen = "seed " + seed + ", round " + round;
            assertThat(freshness.age(now)).as(seen).isEqualTo(age);
            assertThat(freshness.left(now)).as(seen).isEqualTo(lifetime - age);
            assertThat(Reuse.of(freshness, CacheControl.NONE, now) == Reuse.FRESH)
                    .as(seen)
                    .isEqualTo(age < lifetime);
        }
    }

    // ---- what it is good for

    private static Reuse reuse(String answer, String request, long age) {
        return reuse(answer, request, age, settings(0, 0, 0));
    }

    private static Reuse reuse(String answer, String request, long age, ContentConfig.Cache settings) {
        Freshness freshness = of(Fields.of("cache-control", answer), settings);
        CacheControl asked = request.isEmpty() ? CacheControl.NONE : CacheControl.read(List.of(request));
        return Reuse.of(freshness, asked, age * SECOND);
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '|',
            value = {
                "|max-age=60|,||,59,FRESH",
                "|max-age=60|,||,60,VALIDATE",
                "|max-age=60, no-cache|,||,0,VALIDATE",
                "|max-age=60|,|no-cache|,0,VALIDATE_FOR_CLIENT",
                "|max-age=60|,|max-age=10|,10,FRESH",
                "|max-age=60|,|max-age=10|,11,VALIDATE_FOR_CLIENT",
                "|max-age=60|,|max-age=0|,1,VALIDATE_FOR_CLIENT",
                "|max-age=60|,|min-fresh=20|,40,FRESH",
                "|max-age=60|,|min-fresh=20|,41,VALIDATE_FOR_CLIENT",
                "|max-age=60|,|max-stale|,10000,STALE",
                "|max-age=60|,|max-stale=10|,70,STALE",
                "|max-age=60|,|max-stale=10|,71,VALIDATE",
                "|max-age=60|,|max-age=10, max-stale=10|,20,FRESH",
                "|max-age=60|,|max-age=10, max-stale=10|,21,VALIDATE_FOR_CLIENT",
                "|max-age=60, must-revalidate|,|max-stale|,70,VALIDATE",
                "|max-age=60, proxy-revalidate|,|max-stale|,70,VALIDATE",
                "|s-maxage=60|,|max-stale|,70,VALIDATE",
                "|max-age=60, stale-while-revalidate=10|,||,70,REFRESH",
                "|max-age=60, stale-while-revalidate=10|,||,71,VALIDATE",
                "|max-age=60, stale-while-revalidate=10|,|max-age=60|,65,VALIDATE_FOR_CLIENT",
                "|s-maxage=60, stale-while-revalidate=10|,||,70,REFRESH",
                "|max-age=60, must-revalidate, stale-while-revalidate=10|,||,65,VALIDATE",
            })
    void whatAnAnswerIsGoodFor(String answer, String request, long age, Reuse expected) {
        assertThat(reuse(answer, request == null ? "" : request, age)).isEqualTo(expected);
    }

    @Test
    void whatIsConfiguredCountsWhereNothingIsSaid() {
        ContentConfig.Cache settings = settings(0, 20, 20);
        assertThat(reuse("max-age=60", "", 75, settings)).isEqualTo(Reuse.REFRESH);
        assertThat(reuse("max-age=60, stale-while-revalidate=0", "", 75, settings))
                .isEqualTo(Reuse.VALIDATE);
        assertThat(reuse("max-age=60, must-revalidate", "", 75, settings)).isEqualTo(Reuse.VALIDATE);
        assertThat(reuse("s-maxage=60", "", 75, settings)).isEqualTo(Reuse.VALIDATE);
    }

    @ParameterizedTest
    @CsvSource(
            quoteCharacter = '|',
            value = {
                "|max-age=60|,60,false",
                "|max-age=60|,5,false",
                "|max-age=60, must-revalidate, stale-if-error=10|,5,false",
                "|max-age=60, stale-if-error=10|,5,true",
                "|max-age=60, stale-if-error=10|,70,true",
                "|max-age=60, stale-if-error=10|,71,false",
                "|max-age=60, stale-if-error=10, must-revalidate|,65,false",
                "|max-age=60, stale-if-error=10, no-cache|,65,false"
            })
    void whatStandsInForAnError(String answer, long age, boolean expected) {
        assertThat(of("cache-control", answer).standsIn(age * SECOND)).isEqualTo(expected);
    }

    @Test
    void whatIsUnsaidIsUnsaid() {
        assertThat(CacheControl.NONE.maxAge()).isEqualTo(UNSAID);
    }
}
