package dev.coppice.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.cli.ProcessTable.Sort;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.ShutdownHook;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code coppice top}: what runs in the node, the busiest first; redrawn in a terminal, printed once elsewhere. Rates and
 * shares are those of the time between two looks.
 */
@Command(
        name = "top",
        description = "Show what runs in the node, the busiest first.",
        footer = {
            "",
            "Keys: c CPU, m mailbox, e memory, r rate, s restarts: what to order by. Space: look now. q: quit."
        })
final class TopCommand implements Callable<Integer> {
    private static final int DEFAULT_COUNT = 20;
    private static final int HEAD_LINES = 4;

    private final Clock clock = Clock.system();

    @Mixin
    private final DataOption data = new DataOption();

    @Option(
            names = "--sort",
            paramLabel = "ORDER",
            description = "What to order by: ${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
    private Sort sort = Sort.CPU;

    @Option(
            names = "--count",
            paramLabel = "N",
            description = "How many to show (default: 20, or what fits the terminal).")
    private int count;

    @Option(
            names = "--interval",
            paramLabel = "SECONDS",
            description = "Time between two looks, 1 to 60 (default: ${DEFAULT-VALUE}).")
    private int seconds = 2;

    @Option(names = "--once", description = "Print once, also in a terminal.")
    private boolean once;

    @Option(names = "--json", description = "Print one JSON object, once.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        if (seconds < 1 || seconds > 60 || count < 0) {
            throw new IllegalArgumentException("--interval takes 1 to 60 seconds, --count a number from 1 on");
        }
        ObjectNode node = data.node();
        try (ApiConnection api = ApiConnection.open(node)) {
            if (once || json || !Terminal.interactive()) {
                print(api);
            } else {
                watch(api, node.path("name").asText());
            }
            return 0;
        }
    }

    private void print(ApiConnection api) throws IOException, InterruptedException {
        // The first look has nothing to compare with.
        ProcessTable unused = ProcessTable.read(api);
        boolean _ = new CountDownLatch(1).await(1, TimeUnit.SECONDS);
        ProcessTable table = ProcessTable.read(api);
        int shown = count == 0 ? DEFAULT_COUNT : count;
        if (json) {
            System.out.println(table.json(sort, shown));
        } else {
            table.lines(sort, shown, Integer.MAX_VALUE, false).forEach(System.out::println);
        }
        assert unused != null;
    }

    private void watch(ApiConnection api, String name) throws IOException, InterruptedException {
        try (Terminal terminal = Terminal.open()) {
            ShutdownHook.install("coppice-top", terminal::close);
            while (true) {
                ProcessTable table = ProcessTable.read(api);
                draw(terminal, table, name);
                long start = clock.nanoTime();
                boolean again = false;
                while (!again && clock.nanoTime() - start < TimeUnit.SECONDS.toNanos(seconds)) {
                    int key = terminal.key();
                    switch (key) {
                        case 'q', 'Q', 3, 4 -> {
                            return;
                        }
                        case ' ' -> again = true;
                        default -> {
                            Sort chosen = sort(key);
                            if (chosen != sort) {
                                sort = chosen;
                                draw(terminal, table, name);
                            }
                        }
                    }
                }
            }
        }
    }

    private Sort sort(int key) {
        return switch (key) {
            case 'c' -> Sort.CPU;
            case 'm' -> Sort.MAILBOX;
            case 'e' -> Sort.MEMORY;
            case 'r' -> Sort.RATE;
            case 's' -> Sort.RESTARTS;
            default -> sort;
        };
    }

    private void draw(Terminal terminal, ProcessTable table, String name) {
        Terminal.Size size = terminal.size();
        int room = Math.max(1, size.rows() - HEAD_LINES);
        int shown = count == 0 ? room : Math.min(count, room);
        List<String> lines = table.lines(sort, shown, size.columns(), true);
        String title = "coppice top: " + name + ", by " + sort.name().toLowerCase(java.util.Locale.ROOT)
                + "   [c]pu [m]ailbox m[e]mory [r]ate re[s]tarts [q]uit";
        terminal.draw(title, lines);
    }
}
