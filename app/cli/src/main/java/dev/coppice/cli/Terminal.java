package dev.coppice.cli;

import java.io.Console;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** A terminal that is drawn on as a whole and gives single keys; as it was before once it is closed. Set up by stty. */
final class Terminal implements AutoCloseable {
    private static final Size USUAL = new Size(24, 80);

    private final String before;
    private final AtomicBoolean open = new AtomicBoolean(true);

    /** How much fits. */
    record Size(int rows, int columns) {}

    private Terminal(String before) {
        this.before = before;
    }

    /** Whether both ends of the program are a terminal that can be drawn on. */
    static boolean interactive() {
        Console console = System.console();
        String kind = System.getenv("TERM");
        return console != null
                && console.isTerminal()
                && kind != null
                && !kind.equals("dumb")
                && !stty("-g").isEmpty();
    }

    static Terminal open() throws IOException {
        String before = stty("-g");
        if (before.isEmpty()) {
            throw new IOException("the terminal cannot be set up: use --once");
        }
        Terminal terminal = new Terminal(before);
        String unused = stty("-icanon", "-echo", "min", "0", "time", "1");
        terminal.put("\033[?1049h\033[?25l");
        assert unused != null;
        return terminal;
    }

    private static String stty(String... arguments) {
        List<String> command = new java.util.ArrayList<>(List.of("stty"));
        command.addAll(List.of(arguments));
        try {
            Process process = new ProcessBuilder(command)
                    .redirectInput(ProcessBuilder.Redirect.INHERIT)
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
            String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return process.waitFor(5, TimeUnit.SECONDS) && process.exitValue() == 0 ? output.strip() : "";
        } catch (IOException e) {
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }

    Size size() {
        String[] parts = stty("size").split(" ");
        try {
            Size found = new Size(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
            return found.rows > 0 && found.columns > 0 ? found : USUAL;
        } catch (ArrayIndexOutOfBoundsException | NumberFormatException e) {
            return USUAL;
        }
    }

    /** The next key; -1 when none was pressed within a tenth of a second. */
    int key() throws IOException {
        return System.in.read();
    }

    /** Fills the screen. */
    void draw(String title, List<String> lines) {
        int columns = size().columns;
        StringBuilder frame = new StringBuilder("\033[H");
        frame.append(title, 0, Math.min(title.length(), columns)).append("\033[K");
        for (String line : lines) {
            frame.append("\r\n").append(line).append("\033[K");
        }
        put(frame.append("\033[J").toString());
    }

    private void put(String text) {
        System.out.print(text);
        System.out.flush();
    }

    @Override
    public void close() {
        if (open.compareAndSet(true, false)) {
            put("\033[?25h\033[?1049l");
            String unused = stty(before);
            assert unused != null;
        }
    }
}
