package dev.coppice.control.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.control.ApiException;
import dev.coppice.control.request.Json;
import dev.coppice.control.storage.ObjectStore.Page;
import dev.coppice.control.storage.ObjectStore.Stored;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ResourceCacheTest {
    private static final String PREFIX = "/registry/maps/";

    private final ResourceCache cache = new ResourceCache(PREFIX, false, tree -> tree);

    private static Stored stored(String name, long revision, String data) {
        return new Stored(PREFIX + name, revision, Json.bytes(Json.object().put("data", data)));
    }

    private void put(String name, long revision) {
        cache.apply(PREFIX + name, revision, stored(name, revision, "x"));
    }

    private static long next(Subscription subscription) throws InterruptedException {
        @Nullable Change change = subscription.take(Duration.ZERO);
        return change == null ? -1 : change.revision();
    }

    @Test
    void appliesWhatCameWhileItLoaded() {
        put("a", 4);
        put("b", 6);
        assertThat(cache.size()).isZero();
        cache.load(new Page(List.of(stored("c", 3, "x")), 5, 0));
        assertThat(cache.get("", "a"))
                .as("of before the page, which has it no more")
                .isNull();
        assertThat(cache.get("", "b")).isNotNull();
        assertThat(cache.snapshot("", 5, "").revision()).isEqualTo(6);
        assertThat(cache.snapshot("", 5, "").objects()).hasSize(2);
    }

    @Test
    void aPartBeginsWhereItIsTold() {
        cache.load(new Page(List.of(stored("a", 3, "x"), stored("b", 4, "x"), stored("c", 5, "x")), 5, 0));
        assertThat(cache.snapshot("", 5, "b").objects())
                .extracting(CachedObject::name)
                .containsExactly("b", "c");
        assertThat(cache.snapshot("", 5, "a\0").objects())
                .extracting(CachedObject::name)
                .containsExactly("b", "c");
        ResourceCache namespaced = new ResourceCache(PREFIX, true, tree -> tree);
        namespaced.load(new Page(
                List.of(stored("a/x", 3, "x"), stored("b/x", 4, "x"), stored("b/y", 4, "x"), stored("c/x", 5, "x")),
                5,
                0));
        assertThat(namespaced.snapshot("b", 5, "b/x\0").objects())
                .extracting(CachedObject::name)
                .containsExactly("y");
        assertThat(namespaced.snapshot("", 5, "b/y").objects())
                .extracting(CachedObject::namespace)
                .containsExactly("b", "c");
    }

    @Test
    void aSecondLoadEndsWatchesThatMissedSomething() throws Exception {
        cache.load(new Page(List.of(), 5, 0));
        Subscription watch = cache.subscribe(5);
        cache.expectLoad();
        cache.load(new Page(List.of(stored("a", 8, "x")), 9, 0));
        assertThat(next(watch)).isEqualTo(-1);
        assertThat(watch.ended()).isTrue();
        assertThat(watch.overflowed()).isTrue();
    }

    @Test
    void aFeedThatStartsAgainTellsNothingTwice() throws Exception {
        cache.load(new Page(List.of(), 1, 0));
        Subscription watch = cache.subscribe(1);
        put("a", 2);
        put("b", 3);
        put("a", 2);
        put("b", 3);
        cache.apply(PREFIX + "a", 4, null);
        cache.apply(PREFIX + "b", 4, null);
        cache.apply(PREFIX + "a", 4, null);
        assertThat(List.of(next(watch), next(watch), next(watch), next(watch), next(watch)))
                .containsExactly(2L, 3L, 4L, 4L, -1L);
    }

    @Test
    void aWatchFromAheadOfTheCacheSeesOnlyWhatFollows() throws Exception {
        cache.load(new Page(List.of(), 1, 0));
        Subscription watch = cache.subscribe(3);
        put("a", 2);
        put("b", 3);
        put("c", 4);
        assertThat(List.of(next(watch), next(watch))).containsExactly(4L, -1L);
    }

    @Test
    void aLateWatchCatchesUpWithAllOfTheHistory() throws Exception {
        cache.load(new Page(List.of(), 1, 0));
        for (int i = 2; i <= 1_900; i++) {
            put("a", i);
        }
        Subscription watch = cache.subscribe(1);
        for (long i = 2; i <= 1_900; i++) {
            assertThat(next(watch)).isEqualTo(i);
        }
        assertThat(watch.overflowed()).isFalse();
    }

    @Test
    void historyAndQueuesOfLargeObjectsAreBoundedByBytes() {
        cache.load(new Page(List.of(), 1, 0));
        Subscription slow = cache.subscribe(1);
        String large = "x".repeat(1 << 20);
        for (int i = 2; i <= 40; i++) {
            cache.apply(PREFIX + "a", i, stored("a", i, large));
        }
        assertThat(slow.overflowed()).isTrue();
        assertThatThrownBy(() -> cache.subscribe(10)).isInstanceOf(ApiException.class);
        assertThat(cache.subscribe(39)).isNotNull();
    }
}
