package dev.coppice.acceptance;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/** Runs the field's own command-line clients. */
public final class Shell {
    public static final Path HOME =
            Path.of(System.getProperty("coppice.home", "..")).toAbsolutePath().normalize();
    static final Path RECORDINGS = HOME.resolveSibling("shared").resolve("acceptance");

    private Shell() {}

    /** What a command printed (both streams) and how it ended. */
    public record Outcome(int status, String output) {
        public Outcome succeeds() {
            if (status != 0) {
                throw new AssertionError("exit status " + status + ":\n" + output);
            }
            return this;
        }
    }

    public static Outcome run(Duration limit, String... command) throws IOException, InterruptedException {
        return run(limit, Map.of(), null, List.of(command));
    }

    public static Outcome run(
            Duration limit, Map<String, String> environment, @Nullable String input, List<String> command)
            throws IOException, InterruptedException {
        Path output = Files.createTempFile("coppice", ".out");
        try {
            ProcessBuilder builder = new ProcessBuilder(new ArrayList<>(command))
                    .directory(HOME.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(output.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            try (var stdin = process.getOutputStream()) {
                if (input != null) {
                    stdin.write(input.getBytes(StandardCharsets.UTF_8));
                }
            }
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
                throw new AssertionError(
                        String.join(" ", command) + " did not end within " + limit + ":\n" + Files.readString(output));
            }
            return new Outcome(process.exitValue(), Files.readString(output));
        } finally {
            Files.delete(output);
        }
    }

    public static boolean installed(String program) {
        for (String folder : System.getenv("PATH").split(":")) {
            if (Files.isExecutable(Path.of(folder, program))) {
                return true;
            }
        }
        return false;
    }

    /** Skips the calling test, loudly, where a program is not installed. */
    public static void need(String... programs) {
        for (String program : programs) {
            if (!installed(program)) {
                skip(program + " is not installed");
            }
        }
    }

    /** Skips the calling test, loudly, for users other than root. */
    public static void needRoot() {
        if (!"root".equals(System.getProperty("user.name"))) {
            skip("it needs root");
        }
    }

    /** Skips the calling test, loudly, where the recordings are not beside the clone. */
    public static Path recordings(String name) {
        Path folder = RECORDINGS.resolve(name);
        if (!Files.isDirectory(folder)) {
            skip("the recordings of " + name + " are not at ../shared/acceptance/" + name);
        }
        return folder;
    }

    public static void skip(String reason) {
        System.err.println("SKIPPED, NOT TESTED: " + reason);
        Assumptions.abort(reason);
    }
}
