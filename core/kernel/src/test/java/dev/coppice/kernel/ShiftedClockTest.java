package dev.coppice.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A time of day that a file moves. */
class ShiftedClockTest {
    private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

    @TempDir
    Path folder;

    private final SimulatedClock machine = new SimulatedClock(START);

    @Test
    void theTimeOfDayJumpsWithTheFileAndMonotonicTimeDoesNot() throws Exception {
        Path file = folder.resolve("clock");
        Clock clock = new ShiftedClock(file, machine);
        assertThat(clock.now()).isEqualTo(START);
        Files.writeString(file, "-3600000\n");
        machine.advance(Duration.ofSeconds(1));
        assertThat(clock.now()).isEqualTo(START.plusSeconds(1 - 3600));
        assertThat(clock.nanoTime()).isEqualTo(machine.nanoTime());
        Files.writeString(file, "no number");
        machine.advance(Duration.ofSeconds(1));
        assertThat(clock.now()).isEqualTo(START.plusSeconds(2 - 3600));
    }
}
