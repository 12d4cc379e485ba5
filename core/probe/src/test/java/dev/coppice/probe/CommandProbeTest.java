package dev.coppice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernel.Kernel;
import dev.coppice.probe.ProbeResult.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class CommandProbeTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(10);
    private final Kernel kernel = Kernel.start();
    private final Prober prober = new Prober(kernel, ProberOptions.DEFAULT);

    @BeforeEach
    void needsBubblewrap() {
        Assumptions.assumeTrue(Files.isExecutable(Path.of("/usr/bin/bwrap")), "bubblewrap is not installed");
    }

    @AfterEach
    void stop() {
        kernel.close();
    }

    private ProbeResult shell(String script) throws Exception {
        return shell(script, TIMEOUT);
    }

    private ProbeResult shell(String script, Duration timeout) throws Exception {
        return prober.probe(ProbeSpec.Command.sandboxed(List.of("sh", "-c", script)), timeout);
    }

    @Test
    void reportsOutputAndExitCode() throws Exception {
        var fine = shell("echo out; echo err >&2");
        assertThat(fine.reason()).isEmpty();
        assertThat(fine.excerpt()).isEqualTo("out\nerr\n");
        var bad = shell("echo no disk; exit 3");
        assertThat(bad.reason()).isEqualTo("exit code 3, expected 0: no disk");
        assertThat(bad.command().exitCode()).isEqualTo(3);
        assertThat(bad.command().sandboxed()).isTrue();
    }

    @Test
    void runsAsAnUnprivilegedUserThatCanNeitherReadNorWriteNorReach() throws Exception {
        var result = shell(
                "id -u; cat /etc/shadow; touch /usr/x; ls -A /root /home /var/lib; cat /proc/1/environ | tr '\\0' '\\n';"
                        + " cat /proc/net/dev | wc -l; env | sort; touch /tmp/mine && echo private");
        assertThat(result.excerpt())
                .doesNotContain("root:x", "root:*", "root:!")
                .contains("Read-only file system")
                .contains("private")
                .doesNotContain("JAVA_HOME");
        assertThat(result.excerpt().lines().findFirst()).isNotEqualTo(java.util.Optional.of("0"));
        assertThat(shell("test $(tail -n +3 /proc/net/dev | grep -vc lo:) = 0").reason())
                .isEmpty();
    }

    @Test
    void endsAForkBomb() throws Exception {
        var result = shell("f() { f | f & }; f; sleep 60", Duration.ofSeconds(2));
        // The shell may give up itself when it can no longer fork.
        assertThat(result.outcome()).isIn(Outcome.TIMED_OUT, Outcome.UNEXPECTED);
        assertThat(shell("echo alive").excerpt()).isEqualTo("alive\n");
    }

    @Test
    void killsTheWholeGroupAtTheDeadline() throws Exception {
        var marker = "31415926";
        var result = shell("sleep " + marker + " & setsid sleep " + marker + " & wait", Duration.ofMillis(700));
        assertThat(result.reason()).isEqualTo("timed out after 700 ms while running the command");
        assertThat(result.command().exitCode()).isEqualTo(-1);
        for (int i = 0; i < 100 && alive(marker); i++) {
            kernel.timers().sleep(Duration.ofMillis(20));
        }
        assertThat(alive(marker)).isFalse();
    }

    private static boolean alive(String marker) {
        return ProcessHandle.allProcesses()
                .anyMatch(p -> p.info().commandLine().orElse("").endsWith("sleep " + marker));
    }

    @Test
    void boundsOutput() throws Exception {
        var result = shell("yes 0123456789");
        assertThat(result.reason()).isEqualTo("it printed more than 16 MiB and was killed");
        assertThat(result.excerpt()).hasSize(ProbeResult.EXCERPT_CHARACTERS);
        assertThat(shell("head -c 100000 /dev/zero | tr '\\0' x").command().truncated())
                .isTrue();
    }

    @Test
    void boundsMemory() throws Exception {
        assertThat(shell("head -c 900000000 /dev/zero | tail -c 900000000 | wc -c")
                        .excerpt())
                .contains("memory exhausted");
    }

    @Test
    void judgesOutput() throws Exception {
        var spec = new ProbeSpec.Command(
                List.of("cat"),
                Map.of("A", "b"),
                "{\"free\":7}",
                List.of(),
                List.of(new Assertion.JsonPathValue("free", Assertion.Comparison.GREATER, "9")),
                false,
                512L << 20,
                64,
                false);
        assertThat(prober.probe(spec, TIMEOUT).reason()).isEqualTo("free is 7");
    }

    @Test
    void withoutBubblewrapNothingRuns() throws Exception {
        var without = new Prober(
                Kernel.start(),
                ProberOptions.DEFAULT.withSandbox(
                        ProberOptions.SandboxOptions.DEFAULT.withBubblewrap("no-such-bwrap")));
        var result = without.probe(ProbeSpec.Command.sandboxed(List.of("true")), TIMEOUT);
        assertThat(result.outcome()).isEqualTo(Outcome.UNSUPPORTED);
        assertThat(result.reason()).contains("apt install bubblewrap");
    }

    @Test
    void withHostAccessItRunsAsThisProcess() throws Exception {
        var spec = new ProbeSpec.Command(
                List.of("sh", "-c", "sleep 27182818 & wait"),
                Map.of(),
                null,
                List.of(),
                List.of(),
                true,
                512L << 20,
                64,
                true);
        var result = prober.probe(spec, Duration.ofMillis(400));
        assertThat(result.outcome()).isEqualTo(Outcome.TIMED_OUT);
        assertThat(result.command().sandboxed()).isFalse();
        for (int i = 0; i < 100 && alive("27182818"); i++) {
            kernel.timers().sleep(Duration.ofMillis(20));
        }
        assertThat(alive("27182818")).isFalse();
    }
}
