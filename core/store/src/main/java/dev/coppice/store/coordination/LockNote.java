package dev.coppice.store.coordination;

import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a contender for a lock says of itself in the value of its key: {@code owner=alice}, or {@code
 * kind=semaphore;permits=3;owner=alice}. etcd's own clients leave the value empty, which says: a lock, of nobody in
 * particular. (A candidate of an election has what it proposes there.)
 *
 * @param kind how it contends
 * @param permits how many a semaphore lets in at a time, or a double barrier waits for; 1 for all others
 * @param owner who it belongs to: contenders with one owner are one activity, whatever their leases; null when it does not say
 */
public record LockNote(Kind kind, int permits, @Nullable String owner) {
    /** A lock of nobody in particular. */
    public static final LockNote NONE = new LockNote(Kind.LOCK, 1, null);

    public static final int MOST_PERMITS = 1_000;
    private static final int LONGEST = 400;
    private static final Pattern OWNER = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._@:/-]{0,127}");

    /** How somebody contends. */
    public enum Kind {
        LOCK,
        READ,
        WRITE,
        SEMAPHORE,
        /** One of those who meet at a double barrier. */
        BARRIER;

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * Checks the name of an owner.
     *
     * @throws IllegalArgumentException when it cannot be one
     */
    public static String checkOwner(String owner) {
        if (!OWNER.matcher(owner).matches()) {
            throw new IllegalArgumentException("owner \"" + owner
                    + "\": expected 1 to 128 of A-Z, a-z, 0-9, '.', '_', '@', ':', '/' and '-', the first"
                    + " a letter or a digit");
        }
        return owner;
    }

    /** As the value of a key. */
    public ByteString bytes() {
        List<String> fields = new ArrayList<>();
        if (kind != Kind.LOCK) {
            fields.add("kind=" + kind.word());
        }
        if (counted(kind)) {
            fields.add("permits=" + permits);
        }
        if (owner != null) {
            fields.add("owner=" + owner);
        }
        return ByteString.copyFromUtf8(String.join(";", fields));
    }

    /** Reads a value; empty when it is none of a lock, but what a candidate proposes. */
    public static Optional<LockNote> parse(ByteString value) {
        if (value.isEmpty()) {
            return Optional.of(NONE);
        }
        if (value.size() > LONGEST || !value.isValidUtf8()) {
            return Optional.empty();
        }
        Kind kind = Kind.LOCK;
        int permits = 1;
        String owner = null;
        for (String field : value.toStringUtf8().strip().split(";", -1)) {
            int equals = field.indexOf('=');
            String text = field.substring(equals + 1);
            switch (equals < 0 ? "" : field.substring(0, equals)) {
                case "kind" -> {
                    Optional<Kind> known = kind(text);
                    if (known.isEmpty()) {
                        return Optional.empty();
                    }
                    kind = known.get();
                }
                case "permits" -> {
                    if (!text.matches("[1-9][0-9]{0,3}") || Integer.parseInt(text) > MOST_PERMITS) {
                        return Optional.empty();
                    }
                    permits = Integer.parseInt(text);
                }
                case "owner" -> {
                    if (!OWNER.matcher(text).matches()) {
                        return Optional.empty();
                    }
                    owner = text;
                }
                default -> {
                    return Optional.empty();
                }
            }
        }
        return Optional.of(new LockNote(kind, counted(kind) ? permits : 1, owner));
    }

    private static boolean counted(Kind kind) {
        return kind == Kind.SEMAPHORE || kind == Kind.BARRIER;
    }

    private static Optional<Kind> kind(String word) {
        for (Kind each : Kind.values()) {
            if (each.word().equals(word)) {
                return Optional.of(each);
            }
        }
        return Optional.empty();
    }
}
