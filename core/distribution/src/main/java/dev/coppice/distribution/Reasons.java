package dev.coppice.distribution;

import dev.coppice.distribution.codec.ByteReader;
import dev.coppice.distribution.codec.ByteWriter;
import dev.coppice.distribution.codec.MessageException;
import dev.coppice.kernel.ExitReason;

/** Why processes ended, as bytes; of what was thrown its name and message only. */
final class Reasons {
    private static final int MAX_TEXT = 2_000;

    private Reasons() {}

    static void write(ByteWriter out, ExitReason reason) {
        switch (reason) {
            case ExitReason.Normal _ -> out.octet(0);
            case ExitReason.Shutdown _ -> out.octet(1);
            case ExitReason.Killed _ -> out.octet(2);
            case ExitReason.NoProcess _ -> out.octet(3);
            case ExitReason.NoConnection _ -> out.octet(4);
            case ExitReason.Crash crash -> out.octet(5).text(cut(String.valueOf(crash.cause())));
        }
    }

    static ExitReason read(ByteReader in) {
        int sort = in.octet();
        return switch (sort) {
            case 0 -> new ExitReason.Normal();
            case 1 -> new ExitReason.Shutdown();
            case 2 -> new ExitReason.Killed();
            case 3 -> new ExitReason.NoProcess();
            case 4 -> new ExitReason.NoConnection();
            case 5 -> new ExitReason.Crash(new RemoteCrashException(in.text()));
            default -> throw new MessageException("an exit reason of the unknown sort " + sort);
        };
    }

    static String cut(String text) {
        return text.length() <= MAX_TEXT ? text : text.substring(0, MAX_TEXT);
    }

    static String words(ExitReason reason) {
        return switch (reason) {
            case ExitReason.Normal _ -> "it was done";
            case ExitReason.Shutdown _ -> "its supervisor stopped it";
            case ExitReason.Killed _ -> "it was killed";
            case ExitReason.NoProcess _ -> "it was not alive";
            case ExitReason.NoConnection _ -> "its node cannot be reached any more";
            case ExitReason.Crash crash -> "it crashed: " + crash.cause();
        };
    }
}
