package dev.coppice.store.coordination;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Clock;
import dev.coppice.store.coordination.Election.Leader;
import dev.coppice.store.coordination.Election.Leadership;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class ElectionTest {
    @TempDir
    Path directory;

    private static String next(BlockingQueue<String> told) throws InterruptedException {
        return String.valueOf(told.poll(20, TimeUnit.SECONDS));
    }

    @Test
    void candidatesLeadInTurnAndObserversSeeIt() throws Exception {
        try (StoreHeld store = new StoreHeld(directory, Clock.system());
                ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
                Session one = store.session();
                Session two = store.session();
                Session three = store.session()) {
            BlockingQueue<String> told = new LinkedBlockingQueue<>();
            Patience looking = new Patience();
            Future<?> observer = threads.submit(() -> {
                three.election("boss")
                        .observe(
                                looking,
                                leader -> told.add(leader.map(Leader::proposal).orElse("nobody")));
                return null;
            });
            assertThat(next(told)).isEqualTo("nobody");
            Leadership first = one.election("boss").campaign("one");
            assertThat(next(told)).isEqualTo("one");
            Future<Leadership> second =
                    threads.submit(() -> two.election("boss").campaign("two"));
            store.awaitContenders("boss", 2);
            first.proclaim("one, newer");
            assertThat(next(told)).isEqualTo("one, newer");
            Optional<Leader> leader = three.election("boss").leader();
            assertThat(leader).contains(new Leader(first.grant().key(), "one, newer", first.token()));
            first.close();
            Leadership now = second.get(20, TimeUnit.SECONDS);
            assertThat(next(told)).isEqualTo("two");
            assertThat(now.token()).isGreaterThan(first.token());
            assertThatThrownBy(() -> first.proclaim("still me")).isInstanceOf(SessionExpiredException.class);
            store.revoke(two);
            assertThat(next(told)).isEqualTo("nobody");
            assertThat(now.grant().lost().get(20, TimeUnit.SECONDS)).isNotEmpty();
            looking.end();
            observer.get(20, TimeUnit.SECONDS);
        }
    }
}
