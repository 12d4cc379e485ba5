package dev.coppice.gateway.authentication;

import dev.coppice.kernel.Clock;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The sessions that an issuer has ended before their time, of one client of it. Sessions lie in browsers, so this is what refuses them from then on: names of
 * sessions and subjects, as hashes, for as long as a session could last, {@value #MOST} at most. When there are more, the older half goes, and all
 * sessions that began before the newest of it count as ended: none comes to life again. What is ended is in a file before it is told to be. Safe
 * for use by many threads; only {@link #end} blocks.
 */
final class EndedSessions {
    private static final System.Logger LOG = System.getLogger(EndedSessions.class.getName());
    static final int MOST = 10_000;
    private static final int MOST_TOKENS = 10_000;
    /** Of the file, before it is written anew. */
    private static final int MOST_LINES = 2 * MOST;

    private static final long LARGEST_FILE = 8 << 20;
    private static final String ALL = "all";
    private static final byte[] NO_SALT = new byte[0];

    /** @param untilMillis when no session of before is left, since 1970 */
    private record Ended(long atMillis, long untilMillis) {}

    /** A token that was seen before, or one too many. */
    static final class RefusedException extends Exception {
        final boolean full;

        RefusedException(String message, boolean full) {
            super(message, null, false, false);
            this.full = full;
        }
    }

    private final Clock clock;
    private final @Nullable Path file;
    private final Map<String, Ended> ended = new ConcurrentHashMap<>();
    private final Map<String, Long> tokens = new HashMap<>();
    private volatile long allBeforeMillis = -1;
    private volatile long number;
    private int lines;

    /** @param file where they are kept; null: nowhere */
    EndedSessions(Clock clock, @Nullable Path file) {
        this.clock = clock;
        this.file = file;
        if (file == null) {
            return;
        }
        try {
            read(file);
        } catch (IOException e) {
            LOG.log(
                    Level.WARNING,
                    file
                            + " cannot be read, so that all people whose sessions an issuer may have ended have to log in again: "
                            + e);
            allBeforeMillis = clock.currentTimeMillis();
        }
    }

    // ---- who has ended

    /** Another number with each session that is ended: what was found out before has to be found out again. */
    long number() {
        return number;
    }

    int size() {
        return ended.size();
    }

    /**
     * Whether a session has ended.
     *
     * @param id at the issuer; null: it has none
     * @param begunMillis since 1970
     */
    boolean has(@Nullable String id, String subject, long begunMillis) {
        if (begunMillis <= allBeforeMillis) {
            return true;
        }
        return !ended.isEmpty()
                        && (id == null
                                ? is(Name.SUBJECT_WITHOUT_ID, subject, begunMillis)
                                : is(Name.SESSION, id, Long.MIN_VALUE))
                || is(Name.SUBJECT, subject, begunMillis);
    }

    private boolean is(Name kind, String value, long begunMillis) {
        Ended found = ended.isEmpty() ? null : ended.get(kind.of(value));
        return found != null && begunMillis <= found.atMillis;
    }

    /** What is named. */
    private enum Name {
        /** The same session never begins again, whenever it began. */
        SESSION,
        SUBJECT,
        /** Whose sessions cannot be told from each other, as the issuer names none in its ID tokens. */
        SUBJECT_WITHOUT_ID;

        String of(String value) {
            return ordinal()
                    + Base64.getUrlEncoder()
                            .withoutPadding()
                            .encodeToString(Fingerprint.sha256(
                                    NO_SALT, (name() + "\n" + value).getBytes(StandardCharsets.UTF_8)));
        }
    }

    // ---- ending them

    /**
     * Ends the sessions that a token is for. Blocks until that is on disk.
     *
     * @param lifetimeMillis of sessions, at most
     * @throws RefusedException the token was taken before, or too many were
     * @throws IOException they are ended, and it cannot be written down
     */
    synchronized void end(LogoutToken token, long lifetimeMillis) throws RefusedException, IOException {
        long now = clock.currentTimeMillis();
        tokens.values().removeIf(until -> until <= now);
        if (tokens.containsKey(token.id())) {
            throw new RefusedException("the logout token was shown before (jti)", false);
        }
        if (tokens.size() >= MOST_TOKENS) {
            throw new RefusedException("there are too many logout tokens", true);
        }
        Ended until = new Ended(now, now + lifetimeMillis);
        List<String> names = new ArrayList<>(2);
        if (token.session() != null) {
            names.add(Name.SESSION.of(token.session()));
        }
        if (token.subject() != null) {
            names.add((token.session() == null ? Name.SUBJECT : Name.SUBJECT_WITHOUT_ID).of(token.subject()));
        }
        names.forEach(each -> ended.put(each, until));
        boolean anew = shorten(now);
        number++;
        if (file != null) {
            if (anew || lines + names.size() > MOST_LINES) {
                write(file);
            } else {
                append(file, names, until);
            }
        }
        tokens.put(token.id(), token.endsMillis());
    }

    /** Forgets what counts no more, and more where there is too much; whether it did the latter. */
    private boolean shorten(long now) {
        if (ended.size() <= MOST) {
            return false;
        }
        ended.values().removeIf(each -> each.untilMillis <= now);
        if (ended.size() <= MOST) {
            return false;
        }
        long[] times =
                ended.values().stream().mapToLong(Ended::atMillis).sorted().toArray();
        long middle = times[times.length / 2];
        // First, so that nobody finds neither.
        allBeforeMillis = Math.max(allBeforeMillis, middle);
        ended.values().removeIf(each -> each.atMillis <= middle);
        return true;
    }

    // ---- the file

    private static String line(String name, Ended ended) {
        return name + " " + ended.atMillis + " " + ended.untilMillis + "\n";
    }

    private void append(Path to, List<String> names, Ended until) throws IOException {
        StringBuilder text = new StringBuilder();
        names.forEach(each -> text.append(line(each, until)));
        Files.createDirectories(to.toAbsolutePath().getParent());
        try (FileChannel channel =
                FileChannel.open(to, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {
            put(channel, text);
        }
        lines += names.size();
    }

    private void write(Path to) throws IOException {
        StringBuilder text = new StringBuilder();
        if (allBeforeMillis >= 0) {
            text.append(line(ALL, new Ended(allBeforeMillis, Long.MAX_VALUE)));
        }
        Map<String, Ended> all = Map.copyOf(ended);
        all.forEach((name, each) -> text.append(line(name, each)));
        Files.createDirectories(to.toAbsolutePath().getParent());
        Path next = to.resolveSibling(to.getFileName() + ".new");
        try (FileChannel channel = FileChannel.open(
                next, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.TRUNCATE_EXISTING)) {
            put(channel, text);
        }
        Files.move(next, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        lines = all.size() + 1;
    }

    private static void put(FileChannel channel, CharSequence text) throws IOException {
        ByteBuffer bytes = StandardCharsets.US_ASCII.encode(text.toString());
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
        channel.force(true);
    }

    private void read(Path from) throws IOException {
        String text;
        try {
            if (Files.size(from) > LARGEST_FILE) {
                throw new IOException("it is larger than " + LARGEST_FILE + " bytes");
            }
            text = Files.readString(from, StandardCharsets.US_ASCII);
        } catch (NoSuchFileException e) {
            return;
        }
        long now = clock.currentTimeMillis();
        // The last line may have been cut off; then nobody was told that it is ended.
        for (String line : text.substring(0, text.lastIndexOf('\n') + 1).lines().toList()) {
            String[] words = line.split(" ", -1);
            try {
                Ended each = new Ended(Long.parseLong(words[1]), Long.parseLong(words[2]));
                if (words[0].equals(ALL)) {
                    allBeforeMillis = Math.max(allBeforeMillis, each.atMillis);
                } else if (each.untilMillis > now) {
                    ended.put(words[0], each);
                }
            } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
                throw new IOException("a line of it is malformed", e);
            }
        }
        boolean _ = shorten(now);
        write(from);
    }
}
