package dev.coppice.probe;

import dev.coppice.probe.InvalidProbeException.FieldError;
import dev.coppice.probe.ProbeResult.CommandFacts;
import dev.coppice.probe.ProbeResult.Outcome;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/** Runs a command and judges its exit code and output. */
final class CommandProbe implements ProbeRun {
    private static final int OUTPUT_KEPT_BYTES = 64 << 10;
    private static final long OUTPUT_READ_BYTES = 16L << 20;
    private static final int INPUT_MAX = 64 << 10;

    private final ProbeSpec.Command spec;
    private final Sandbox sandbox;
    private final BodyBudget budget;
    private final AssertionSet assertions;

    private CommandProbe(ProbeSpec.Command spec, Sandbox sandbox, BodyBudget budget, AssertionSet assertions) {
        this.spec = spec;
        this.sandbox = sandbox;
        this.budget = budget;
        this.assertions = assertions;
    }

    static CommandProbe of(ProbeSpec.Command spec, Sandbox sandbox, BodyBudget budget, List<FieldError> errors) {
        if (spec.command().isEmpty() || spec.command().getFirst().isBlank()) {
            errors.add(new FieldError("command", "expected a program and its arguments"));
        }
        if (spec.command().stream().anyMatch(a -> a.indexOf('\0') >= 0)
                || spec.command().stream().mapToInt(String::length).sum() > 64 << 10) {
            errors.add(new FieldError("command", "expected at most 64 KiB of text without NUL"));
        }
        spec.environment().forEach((name, value) -> {
            if (!name.matches("[A-Za-z_][A-Za-z0-9_]*") || value.indexOf('\0') >= 0) {
                errors.add(new FieldError("environment", "\"" + name + "\" is no name of an environment variable"));
            }
        });
        var input = spec.input();
        if (input != null && input.length() > INPUT_MAX) {
            errors.add(new FieldError("input", "expected at most " + INPUT_MAX + " characters"));
        }
        if (spec.memoryBytes() < 16 << 20) {
            errors.add(new FieldError("memoryBytes", "expected at least 16 MiB, not " + spec.memoryBytes()));
        }
        if (spec.processes() < 1 || spec.processes() > 4096) {
            errors.add(new FieldError("processes", "expected 1 to 4096, not " + spec.processes()));
        }
        return new CommandProbe(spec, sandbox, budget, AssertionSet.of(spec.assertions(), errors));
    }

    @Override
    public void run(Attempt attempt) throws ProbeFailure, IOException, InterruptedException {
        int slot = sandbox.acquire(attempt);
        try {
            int reserved = budget.acquire(attempt, OUTPUT_KEPT_BYTES);
            try {
                runIn(attempt, slot);
            } finally {
                budget.release(reserved);
            }
        } finally {
            sandbox.release(slot);
        }
    }

    private void runIn(Attempt attempt, int slot) throws ProbeFailure, IOException, InterruptedException {
        attempt.step(Attempt.Step.RUNNING);
        var process = start(attempt, slot);
        try {
            attempt.guard(() -> kill(process));
            feed(process);
            var output = new BodySink(OUTPUT_KEPT_BYTES, OUTPUT_READ_BYTES);
            boolean flood = !drain(process.getInputStream(), output, attempt);
            if (flood) {
                kill(process);
            }
            boolean ended = process.waitFor(attempt.remaining().toNanos(), TimeUnit.NANOSECONDS);
            attempt.excerpt(output.text());
            if (!ended) {
                throw attempt.timedOut();
            }
            judge(attempt, process.exitValue(), output, flood);
        } catch (ProbeFailure e) {
            if (e.outcome() == Outcome.TIMED_OUT) {
                attempt.command = new CommandFacts(-1, false, !spec.hostAccess());
            }
            throw e;
        } finally {
            kill(process);
        }
    }

    private Process start(Attempt attempt, int slot) throws ProbeFailure {
        var builder = new ProcessBuilder(sandbox.line(spec, slot, attempt.remaining())).redirectErrorStream(true);
        var environment = builder.environment();
        environment.clear();
        environment.putAll(sandbox.options().environment());
        environment.put("PATH", sandbox.options().path());
        environment.putAll(Map.copyOf(spec.environment()));
        builder.directory(new java.io.File("/"));
        try {
            return builder.start();
        } catch (IOException e) {
            throw new ProbeFailure(Outcome.UNSUPPORTED, "the command cannot be started: " + e.getMessage());
        }
    }

    private void feed(Process process) {
        try (var to = process.getOutputStream()) {
            var input = spec.input();
            if (input != null) {
                to.write(input.getBytes(StandardCharsets.UTF_8));
            }
        } catch (IOException e) {
            // A command that does not read its input may still succeed; if it died, its exit code tells.
        }
    }

    /** False when it printed more than anybody would read. */
    private static boolean drain(InputStream from, BodySink output, Attempt attempt) throws ProbeFailure {
        var buffer = new byte[8192];
        try {
            for (int count = from.read(buffer); count >= 0; count = from.read(buffer)) {
                attempt.countBytes(count);
                if (!output.accept(buffer, 0, count)) {
                    return false;
                }
            }
        } catch (IOException e) {
            // Killed at the deadline: the pipe is closed under us.
        }
        var unused = attempt.remaining();
        return true;
    }

    private static void kill(Process process) {
        // In the sandbox, the death of the outermost process takes all others along; outside, its children go one by
        // one.
        if (process.isAlive()) {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
        }
        process.destroyForcibly();
        Attempt.closeQuietly(process.getInputStream());
    }

    private void judge(Attempt attempt, int exitCode, BodySink output, boolean flood) throws ProbeFailure {
        attempt.command = new CommandFacts(exitCode, output.total() > output.length(), !spec.hostAccess());
        if (flood) {
            throw new ProbeFailure(
                    Outcome.UNEXPECTED, "it printed more than " + (OUTPUT_READ_BYTES >> 20) + " MiB and was killed");
        }
        var problems = new ArrayList<String>();
        if (!spec.exitCodes().contains(exitCode)) {
            var expected = spec.exitCodes().stream().map(String::valueOf).collect(Collectors.joining(", "));
            var last = lastLine(output.text());
            problems.add("exit code " + exitCode + ", expected " + expected + (last.isEmpty() ? "" : ": " + last));
        }
        var outcomes = assertions.evaluate(new AssertionSet.Answer(
                exitCode, "", Map.of(), output, attempt.elapsed().toNanos() / 1e9));
        attempt.assertions(outcomes);
        outcomes.stream()
                .filter(o -> !o.passed())
                .forEach(o -> problems.add(o.detail().replace("the body", "the output")));
        if (!problems.isEmpty()) {
            throw new ProbeFailure(Outcome.UNEXPECTED, String.join("; ", problems));
        }
    }

    private static String lastLine(String text) {
        var lines = text.strip().split("\n");
        var last = lines[lines.length - 1].strip();
        return last.length() <= 200 ? last : last.substring(0, 200) + "…";
    }
}
