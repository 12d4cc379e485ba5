package dev.coppice.gateway.authentication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.SimulatedClock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which sessions count as ended: also after a restart, and when there are more than fit. */
class EndedSessionsTest {
    private static final long LIFETIME = Duration.ofHours(8).toMillis();

    static final EndedSessions.Listener NOBODY = new EndedSessions.Listener() {
        @Override
        public void ended(SessionEnd.Scope scope, String hash) {}

        @Override
        public void dropped(int names) {}
    };

    @TempDir
    private Path folder;

    private final SimulatedClock clock = new SimulatedClock();
    private int number;

    private void end(EndedSessions ended, @Nullable String session, @Nullable String subject) throws Exception {
        ended.end(new LogoutToken("t" + number++, session, subject, clock.currentTimeMillis() + 600_000), LIFETIME);
    }

    @Test
    void asTheIssuerSays() throws Exception {
        EndedSessions ended = new EndedSessions(clock, null, NOBODY);
        long now = clock.currentTimeMillis();
        assertThat(ended.has("s", "alice", now)).isFalse();
        long before = ended.number();
        end(ended, "s", "alice");
        assertThat(ended.number()).isNotEqualTo(before);
        assertThat(ended.has("s", "alice", now)).isTrue();
        assertThat(ended.has("other", "alice", now)).isFalse();
        // Which of hers it is cannot be told.
        assertThat(ended.has(null, "alice", now)).isTrue();
        assertThat(ended.has(null, "bob", now)).isFalse();
        end(ended, null, "bob");
        assertThat(ended.has("b", "bob", now)).isTrue();
        assertThat(ended.has(null, "bob", now)).isTrue();
        // Who logs in afterwards has a new one.
        assertThat(ended.has("b", "bob", now + 1)).isFalse();
        assertThat(ended.has("s", "alice", now + 1)).isTrue();
    }

    @Test
    void aTokenCountsOnce() throws Exception {
        EndedSessions ended = new EndedSessions(clock, null, NOBODY);
        LogoutToken token = new LogoutToken("t", "s", null, clock.currentTimeMillis() + 1000);
        ended.end(token, LIFETIME);
        assertThatThrownBy(() -> ended.end(token, LIFETIME)).hasMessageContaining("shown before");
        clock.advance(Duration.ofSeconds(1));
        // Elsewhere it would be refused as too old.
        ended.end(token, LIFETIME);
    }

    @Test
    void tokensAreRememberedUpToABound() throws Exception {
        EndedSessions ended = new EndedSessions(clock, null, NOBODY);
        for (int i = 0; i < 10_000; i++) {
            end(ended, "same", null);
        }
        assertThat(ended.size()).isEqualTo(1);
        assertThatThrownBy(() -> end(ended, "same", null)).hasMessageContaining("too many");
        clock.advance(Duration.ofMinutes(10));
        end(ended, "same", null);
    }

    @Test
    void aRestartForgetsNothingAndALineThatWasCutOffIsNone() throws Exception {
        Path file = folder.resolve("sub").resolve("ended");
        long now = clock.currentTimeMillis();
        EndedSessions first = new EndedSessions(clock, file, NOBODY);
        end(first, "s", "alice");
        end(first, null, "bob");
        assertThat(Files.readString(file)).doesNotContain("alice", "bob").hasLineCount(3);
        Files.writeString(file, "1abc 12", StandardOpenOption.APPEND);
        EndedSessions second = new EndedSessions(clock, file, NOBODY);
        assertThat(second.has("s", "x", now)).isTrue();
        assertThat(second.has("x", "bob", now)).isTrue();
        assertThat(second.has("x", "x", now)).isFalse();
        end(second, "u", null);
        assertThat(new EndedSessions(clock, file, NOBODY).has("u", "x", now)).isTrue();
        clock.advance(Duration.ofHours(8));
        assertThat(new EndedSessions(clock, file, NOBODY).size()).isZero();
        assertThat(Files.size(file)).isZero();
    }

    @Test
    void itIsRememberedAsLongAsTheLongestSessionOfTheClientLasts() throws Exception {
        EndedSessions ended = new EndedSessions(clock, null, NOBODY);
        ended.remembersFor(2 * LIFETIME);
        ended.remembersFor(LIFETIME / 2);
        end(ended, "s", null);
        assertThat(ended.all())
                .extracting(EndedSessions.Entry::untilMillis)
                .containsExactly(clock.currentTimeMillis() + 2 * LIFETIME);
    }

    @Test
    void whatAnotherGatewayHasEndedIsEndedHereAlsoAfterARestart() throws Exception {
        Path file = folder.resolve("ended");
        EndedSessions there = new EndedSessions(clock, null, NOBODY);
        end(there, "s", "alice");
        end(there, null, "bob");
        EndedSessions here = new EndedSessions(clock, file, NOBODY);
        long now = clock.currentTimeMillis();
        long before = here.number();
        for (EndedSessions.Entry each : there.all()) {
            here.merge(each);
        }
        assertThat(here.number()).isNotEqualTo(before);
        for (EndedSessions each : new EndedSessions[] {here, new EndedSessions(clock, file, NOBODY)}) {
            assertThat(each.has("s", "alice", now)).isTrue();
            assertThat(each.has(null, "alice", now)).isTrue();
            assertThat(each.has("b", "bob", now)).isTrue();
            assertThat(each.has("other", "alice", now)).isFalse();
        }
        before = here.number();
        for (EndedSessions.Entry each : there.all()) {
            here.merge(each);
        }
        assertThat(here.number()).as("nothing of it is new").isEqualTo(before);
    }

    @Test
    void aClockThatIsAheadElsewhereEndsNothingThatBeginsLater() throws Exception {
        EndedSessions here = new EndedSessions(clock, null, NOBODY);
        long now = clock.currentTimeMillis();
        EndedSessions there = new EndedSessions(clock, null, NOBODY);
        end(there, null, "bob");
        String bob = there.all().getFirst().hash();
        here.merge(new EndedSessions.Entry(SessionEnd.Scope.SUBJECT, bob, now + 3_600_000, now + LIFETIME));
        here.merge(new EndedSessions.Entry(SessionEnd.Scope.ALL, "", now + 3_600_000, now + LIFETIME));
        assertThat(here.has("b", "bob", now)).isTrue();
        assertThat(here.has("b", "bob", now + 1)).isFalse();
    }

    @Test
    void whatAFileThatCannotBeReadCostsIsNoMatterOfOthers() throws Exception {
        Path file = folder.resolve("ended");
        Files.writeString(file, "rubbish 1 2\n");
        EndedSessions ended = new EndedSessions(clock, file, NOBODY);
        assertThat(ended.has("s", "alice", clock.currentTimeMillis())).isTrue();
        assertThat(ended.all()).isEmpty();
    }

    @Test
    void aFileThatCannotBeReadEndsAllOfBefore() throws Exception {
        Path file = folder.resolve("ended");
        Files.writeString(file, "rubbish\n");
        EndedSessions ended = new EndedSessions(clock, file, NOBODY);
        long now = clock.currentTimeMillis();
        assertThat(ended.has("s", "alice", now)).isTrue();
        assertThat(ended.has("s", "alice", now + 1)).isFalse();
    }

    @Test
    void nothingThatHasEndedBeginsAgainWhenThereIsTooMuch() throws Exception {
        Path file = folder.resolve("ended");
        EndedSessions ended = new EndedSessions(clock, file, NOBODY);
        long start = clock.currentTimeMillis();
        for (int i = 0; i <= EndedSessions.MOST; i++) {
            clock.advance(Duration.ofMillis(100));
            end(ended, "s" + i, null);
        }
        EndedSessions other = new EndedSessions(clock, null, NOBODY);
        for (EndedSessions.Entry each : ended.all()) {
            other.merge(each);
        }
        assertThat(ended.size()).isBetween(EndedSessions.MOST / 4, EndedSessions.MOST);
        for (EndedSessions each : new EndedSessions[] {ended, new EndedSessions(clock, file, NOBODY), other}) {
            for (int i = 0; i <= EndedSessions.MOST; i++) {
                assertThat(each.has("s" + i, "x", start + 100L * i)).as("s" + i).isTrue();
            }
            assertThat(each.has("new", "x", clock.currentTimeMillis())).isFalse();
            assertThat(each.has("another", "x", start)).isTrue();
        }
    }
}
