package dev.coppice.cli;

import java.io.PrintStream;

/** Shows how far something is: on a terminal a line that is written over, else one line a step. Used by one thread. */
final class ProgressLine {
    private static final int WIDTH = 30;

    private final PrintStream out = System.err;
    private final boolean terminal =
            System.console() != null && System.console().isTerminal();
    private String step = "";
    private int percent = -1;

    void show(String nowStep, long bytes, long ofBytes) {
        int now = ofBytes <= 0 ? 100 : (int) Math.clamp(100 * (bytes / (double) ofBytes), 0, 100);
        boolean next = !nowStep.equals(step);
        if (next && terminal) {
            end();
        }
        if (next && !terminal) {
            out.println(nowStep + ", " + size(ofBytes));
        }
        if (terminal && (next || now != percent)) {
            int filled = now * WIDTH / 100;
            out.print("\r\033[K" + nowStep + " [" + "#".repeat(filled) + ".".repeat(WIDTH - filled) + "] " + now
                    + "% of " + size(ofBytes));
            out.flush();
        }
        step = nowStep;
        percent = now;
    }

    /** Ends the line. */
    void end() {
        if (terminal && percent >= 0) {
            out.println();
        }
        percent = -1;
    }

    static String size(long bytes) {
        return bytes < 1 << 20 ? (bytes + 1023 >> 10) + " KiB" : (bytes + (1 << 19) >> 20) + " MiB";
    }
}
