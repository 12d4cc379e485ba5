package dev.coppice.store;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How much history of a keyspace is kept without being asked to forget it; written as etcd's options for it. */
public sealed interface Retention {

    /** All of it, until somebody compacts. */
    record Everything() implements Retention {}

    /** The newest revisions. */
    record Revisions(long number) implements Retention {}

    /** What is younger than some time. */
    record Age(Duration time) implements Retention {}

    Retention EVERYTHING = new Everything();

    /**
     * Reads etcd's options {@code --auto-compaction-mode} ({@code periodic} or {@code revision}) and {@code --auto-compaction-retention}
     * (0 for never; revisions; or hours, or a number with h, m or s).
     *
     * @throws IllegalArgumentException naming the option that is wrong
     */
    static Retention parse(String mode, String retention) {
        Matcher matcher = Pattern.compile("(\\d{1,9})([smh]?)").matcher(retention);
        if (!mode.equals("periodic") && !mode.equals("revision")) {
            throw new IllegalArgumentException(
                    "--auto-compaction-mode: \"" + mode + "\" is unknown: expected periodic or revision");
        }
        if (!matcher.matches() || mode.equals("revision") && !matcher.group(2).isEmpty()) {
            throw new IllegalArgumentException(
                    "--auto-compaction-retention: \"" + retention + "\" is not understood: expected "
                            + (mode.equals("revision")
                                    ? "a number of revisions, such as 10000"
                                    : "hours, or a number with h, m or s, such as 30m")
                            + ", or 0 to keep everything");
        }
        long number = Long.parseLong(matcher.group(1));
        if (number == 0) {
            return EVERYTHING;
        }
        if (mode.equals("revision")) {
            return new Revisions(number);
        }
        return new Age(
                switch (matcher.group(2)) {
                    case "s" -> Duration.ofSeconds(number);
                    case "m" -> Duration.ofMinutes(number);
                    default -> Duration.ofHours(number);
                });
    }
}
