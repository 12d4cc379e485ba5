package dev.coppice.gateway.authentication;

import dev.coppice.gateway.authentication.SessionEnd.Scope;
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
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The sessions that an issuer has ended before their time, of one client of it. Sessions lie in browsers, so this is what refuses them from then on: names of
 * sessions and subjects, as hashes, for as long as a session could last, {@value #MOST} at most. When there are more, the older half goes, and all
 * sessions that began before the newest of it count as ended: none comes to life again. What is ended here is in a file before it is told to be;
 * what other gateways have ended is taken over. Safe for use by many threads; only {@link #end} and {@link #merge} block.
 */
final class EndedSessions {
    private static final System.Logger LOG = System.getLogger(EndedSessions.class.getName());
    static final int MOST = 10_000;
    private static final int MOST_TOKENS = 10_000;
    /** Of the file, before it is written anew. */
    private static final int MOST_LINES = 2 * MOST;

    private static final long LARGEST_FILE = 8 << 20;
    /** What policies may say at most. */
    private static final long LONGEST_LIFETIME_MILLIS = Duration.ofHours(720).toMillis();

    private static final String ALL = "all";
    /** A scope's number, and a hash. */
    private static final Pattern KEY = Pattern.compile("[012][A-Za-z0-9_-]{43}");

    private static final byte[] NO_SALT = new byte[0];

    /** @param untilMillis when no session of before is left, since 1970 */
    private record Ended(long atMillis, long untilMillis) {}

    /**
     * Of this list; see {@link SessionEnd}.
     *
     * @param hash empty for {@link Scope#ALL}
     */
    record Entry(Scope scope, String hash, long atMillis, long untilMillis) {
        private String key() {
            return scope.ordinal() + hash;
        }
    }

    /** Hears what changes. Called by whoever changed it; may not block. */
    interface Listener {
        /** An issuer ended something here. */
        void ended(Scope scope, String hash);

        /** The older half went. */
        void dropped(int names);
    }

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
    /** The part of {@link #allBeforeMillis} that others have to know, too: not what a file that could not be read has cost here. */
    private volatile long droppedBeforeMillis = -1;

    private final Listener listener;
    private volatile long number;
    private long longestMillis;
    private int lines;

    /** @param file where they are kept; null: nowhere */
    EndedSessions(Clock clock, @Nullable Path file, Listener listener) {
        this.clock = clock;
        this.file = file;
        this.listener = listener;
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
                                ? is(Scope.SUBJECT_WITHOUT_ID, subject, begunMillis)
                                : is(Scope.SESSION, id, Long.MIN_VALUE))
                || is(Scope.SUBJECT, subject, begunMillis);
    }

    private boolean is(Scope scope, String value, long begunMillis) {
        Ended found = ended.isEmpty() ? null : ended.get(scope.ordinal() + hash(scope, value));
        return found != null && begunMillis <= found.atMillis;
    }

    private static String hash(Scope scope, String value) {
        return Base64.getUrlEncoder()
                .withoutPadding()
                .encodeToString(
                        Fingerprint.sha256(NO_SALT, (scope.name() + "\n" + value).getBytes(StandardCharsets.UTF_8)));
    }

    // ---- ending them

    /** Has what is ended from now on be remembered for so long at least, in milliseconds: as sessions of another policy may last. */
    synchronized void remembersFor(long lifetimeMillis) {
        longestMillis = Math.max(longestMillis, lifetimeMillis);
    }

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
        long until = now + Math.max(lifetimeMillis, longestMillis);
        List<Entry> names = new ArrayList<>(2);
        if (token.session() != null) {
            names.add(new Entry(Scope.SESSION, hash(Scope.SESSION, token.session()), now, until));
        }
        if (token.subject() != null) {
            Scope scope = token.session() == null ? Scope.SUBJECT : Scope.SUBJECT_WITHOUT_ID;
            names.add(new Entry(scope, hash(scope, token.subject()), now, until));
        }
        names.forEach(each -> ended.put(each.key(), new Ended(now, until)));
        boolean anew = shorten(now);
        number++;
        // Also when the disk is full.
        names.forEach(each -> listener.ended(each.scope, each.hash));
        if (file != null) {
            keep(file, names, anew, true);
        }
        tokens.put(token.id(), token.endsMillis());
    }

    /**
     * Takes over what another gateway has ended. Its clock may be ahead: nothing is ended here that begins later than now.
     *
     * @throws IOException it counts, and cannot be written down
     */
    synchronized void merge(Entry other) throws IOException {
        long now = clock.currentTimeMillis();
        long at = Math.min(other.atMillis, now);
        if (other.untilMillis <= now) {
            return;
        }
        if (other.scope == Scope.ALL) {
            if (at > droppedBeforeMillis) {
                boolean more = at > allBeforeMillis;
                drop(at);
                number++;
                if (more && file != null) {
                    write(file);
                }
            }
            return;
        }
        Ended known = ended.get(other.key());
        if (at <= allBeforeMillis || known != null && known.atMillis >= at && known.untilMillis >= other.untilMillis) {
            return;
        }
        Entry latest = known == null
                ? new Entry(other.scope, other.hash, at, other.untilMillis)
                : new Entry(
                        other.scope,
                        other.hash,
                        Math.max(known.atMillis, at),
                        Math.max(known.untilMillis, other.untilMillis));
        ended.put(latest.key(), new Ended(latest.atMillis, latest.untilMillis));
        boolean anew = shorten(now);
        number++;
        if (file != null) {
            // The others have it, too: no disk need be waited for.
            keep(file, List.of(latest), anew, false);
        }
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
        drop(times[times.length / 2]);
        listener.dropped(times.length - ended.size());
        return true;
    }

    /** Ends all sessions that began until then, in place of those that are named. */
    private void drop(long untilMillis) {
        // First, so that nobody finds neither.
        allBeforeMillis = Math.max(allBeforeMillis, untilMillis);
        droppedBeforeMillis = Math.max(droppedBeforeMillis, untilMillis);
        ended.values().removeIf(each -> each.atMillis <= untilMillis);
    }

    // ---- what others are told

    /** What there is to be known of a name now; null when that is nothing. */
    @Nullable
    Entry find(Scope scope, String hash) {
        if (scope == Scope.ALL) {
            return droppedBeforeMillis < 0
                    ? null
                    : new Entry(scope, "", droppedBeforeMillis, droppedBeforeMillis + LONGEST_LIFETIME_MILLIS);
        }
        Ended found = ended.get(scope.ordinal() + hash);
        return found == null ? null : new Entry(scope, hash, found.atMillis, found.untilMillis);
    }

    /** All that there is to be known. */
    List<Entry> all() {
        List<Entry> all = new ArrayList<>();
        Entry whole = find(Scope.ALL, "");
        if (whole != null) {
            all.add(whole);
        }
        ended.forEach((key, each) -> all.add(
                new Entry(Scope.values()[key.charAt(0) - '0'], key.substring(1), each.atMillis, each.untilMillis)));
        return all;
    }

    // ---- the file

    private static String line(String name, Ended ended) {
        return name + " " + ended.atMillis + " " + ended.untilMillis + "\n";
    }

    /**
     * @param anew whether more than these has changed
     * @param forced whether to wait until it is on disk
     */
    private void keep(Path to, List<Entry> names, boolean anew, boolean forced) throws IOException {
        if (anew || lines + names.size() > MOST_LINES) {
            write(to);
            return;
        }
        StringBuilder text = new StringBuilder();
        names.forEach(each -> text.append(line(each.key(), new Ended(each.atMillis, each.untilMillis))));
        Files.createDirectories(to.toAbsolutePath().getParent());
        try (FileChannel channel =
                FileChannel.open(to, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {
            put(channel, text);
            if (forced) {
                channel.force(true);
            }
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
            channel.force(true);
        }
        Files.move(next, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        lines = all.size() + 1;
    }

    private static void put(FileChannel channel, CharSequence text) throws IOException {
        ByteBuffer bytes = StandardCharsets.US_ASCII.encode(text.toString());
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
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
                } else if (!KEY.matcher(words[0]).matches()) {
                    throw new IOException("a line of it names nothing");
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
