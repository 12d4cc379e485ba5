package dev.coppice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.kernel.Clock;
import dev.coppice.server.Server;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Waits until applied objects are Ready, and shows how far each is: redrawn in a terminal, a line per change elsewhere. */
final class ReadyView {
    private static final Duration POLL = Duration.ofMillis(200);
    private static final int MAX_LINES = 30;

    private final PrintStream out;
    private final boolean redraw;
    private final boolean print;
    private int drawn;

    ReadyView(PrintStream out, boolean redraw, boolean print) {
        this.out = out;
        this.redraw = redraw;
        this.print = print;
    }

    /** How far one object is. */
    private record Progress(Manifests.Applied object, boolean ready, String word) {}

    /** Empty when all became Ready; else what did not, and why. */
    List<String> await(Server server, List<Manifests.Applied> objects, Duration patience) throws InterruptedException {
        Clock clock = server.kernel().clock();
        long deadline = clock.nanoTime() + patience.toNanos();
        List<Manifests.Applied> announced = new ArrayList<>();
        while (true) {
            List<Progress> all =
                    objects.stream().map(object -> progress(server, object)).toList();
            draw(all, announced);
            List<Progress> waiting = all.stream().filter(each -> !each.ready()).toList();
            if (waiting.isEmpty()) {
                return List.of();
            }
            if (clock.nanoTime() - deadline > 0) {
                return waiting.stream()
                        .map(each -> each.object() + " is not Ready after " + patience.toSeconds() + " s: "
                                + each.word() + ": see `kubectl describe`, or wait longer with --wait")
                        .toList();
            }
            server.kernel().timers().sleep(POLL);
        }
    }

    private static Progress progress(Server server, Manifests.Applied applied) {
        Optional<ObjectNode> found = server.resources().get(applied.type(), applied.namespace(), applied.name());
        if (found.isEmpty()) {
            return new Progress(applied, false, "gone");
        }
        JsonNode object = found.get();
        JsonNode status = object.path("status");
        if (!applied.type().group().endsWith("coppice.dev")
                && !status.path("conditions").isArray()) {
            return new Progress(applied, true, "applied");
        }
        for (JsonNode condition : status.path("conditions")) {
            String type = condition.path("type").asText();
            if (!type.equals("Ready") && !type.equals("Established")) {
                continue;
            }
            long generation = object.path("metadata").path("generation").asLong();
            boolean current = condition.path("observedGeneration").asLong(generation) >= generation;
            boolean ready = condition.path("status").asText().equals("True") && current;
            String state = status.path("state").asText("");
            String word = ready
                    ? state.isEmpty() ? type : state
                    : condition.path("reason").asText() + " "
                            + condition.path("message").asText();
            return new Progress(applied, ready, word);
        }
        return new Progress(
                applied,
                status.path("conditions").isArray() && !applied.type().group().endsWith("coppice.dev"),
                "waiting for its controller");
    }

    private void draw(List<Progress> all, List<Manifests.Applied> announced) {
        if (!print) {
            return;
        }
        if (!redraw) {
            all.stream()
                    .filter(Progress::ready)
                    .filter(each -> !announced.contains(each.object()))
                    .forEach(each -> {
                        announced.add(each.object());
                        out.println("  " + each.object() + ": " + each.word());
                    });
            return;
        }
        StringBuilder frame = new StringBuilder();
        if (drawn > 0) {
            frame.append("\033[").append(drawn).append('A');
        }
        long ready = all.stream().filter(Progress::ready).count();
        frame.append("\033[K").append(ready).append(" of ").append(all.size()).append(" Ready\n");
        all.stream()
                .limit(MAX_LINES)
                .forEach(each -> frame.append("\033[K  ")
                        .append(each.ready() ? "\033[32m✓\033[0m " : "\033[33m…\033[0m ")
                        .append(each.object())
                        .append("  \033[2m")
                        .append(each.word())
                        .append("\033[0m\n"));
        drawn = (int) Math.min(all.size(), MAX_LINES) + 1;
        out.print(frame);
        out.flush();
    }
}
