package dev.coppice.gateway.authentication;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.concurrent.Semaphore;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.generators.OpenBSDBCrypt;
import org.bouncycastle.crypto.params.Argon2Parameters;
import org.jspecify.annotations.Nullable;

/**
 * Hashes of passwords: of bcrypt, as {@code $2y$10$…}, and of Argon2id (RFC 9106) in the form of its reference implementation,
 * {@code $argon2id$v=19$m=65536,t=3,p=4$SALT$HASH}. What a hash may cost is bounded. Safe for use by many threads.
 */
final class PasswordHash {
    /** Two to the power of it are the rounds; more take longer than a second. */
    private static final int MOST_COST = 14;

    private static final int LEAST_COST = 4;
    /** KiB; the second choice of RFC 9106, 4. */
    static final int MOST_MEMORY = 64 << 10;
    /** KiB that are gone through in all passes: more take longer than a second. */
    private static final int MOST_WORK = 4 * MOST_MEMORY;

    private static final int MOST_LANES = 16;
    private static final int LEAST_SALT = 8;
    private static final int LEAST_HASH = 16;
    private static final int MOST_BYTES = 64;
    private static final Pattern BCRYPT = Pattern.compile("\\$2[aby]\\$(\\d\\d)\\$[./A-Za-z0-9]{53}");
    private static final Pattern ARGON2ID = Pattern.compile(
            "\\$argon2id\\$v=19\\$m=(\\d{1,7}),t=(\\d{1,4}),p=(\\d{1,3})\\$([A-Za-z0-9+/]{1,90})\\$([A-Za-z0-9+/]{1,90})");

    /** How many hashes of Argon2id may have their memory at one time: an eighth of the heap at most. */
    private final Semaphore memory;

    PasswordHash(long heapBytes) {
        memory = new Semaphore((int) Math.clamp(heapBytes / 8 / ((long) MOST_MEMORY << 10), 1, 64));
    }

    /**
     * What is wrong with a hash; null when nothing is.
     *
     * @return the end of a sentence that begins with "the hash of user NAME", without the hash
     */
    static @Nullable String problem(String hash) {
        Matcher bcrypt = BCRYPT.matcher(hash);
        if (bcrypt.matches()) {
            int cost = Integer.parseInt(bcrypt.group(1));
            return cost >= LEAST_COST && cost <= MOST_COST
                    ? null
                    : "has a cost of " + cost + "; expected " + LEAST_COST + " to " + MOST_COST;
        }
        Matcher argon2 = ARGON2ID.matcher(hash);
        if (argon2.matches()) {
            return problem(argon2);
        }
        return "is " + kind(hash)
                + "; expected one of bcrypt, as `htpasswd -B` makes it, or of Argon2id, as $argon2id$v=19$m=…,t=…,p=…$SALT$HASH";
    }

    private static @Nullable String problem(Matcher argon2) {
        int kib = Integer.parseInt(argon2.group(1));
        int passes = Integer.parseInt(argon2.group(2));
        int lanes = Integer.parseInt(argon2.group(3));
        if (lanes < 1 || lanes > MOST_LANES) {
            return "is of Argon2id with p=" + lanes + "; expected 1 to " + MOST_LANES;
        }
        if (kib < 8 * lanes || kib > MOST_MEMORY) {
            return "is of Argon2id with m=" + kib + "; expected " + 8 * lanes + ", which is eight times p, to "
                    + MOST_MEMORY;
        }
        if (passes < 1 || (long) kib * passes > MOST_WORK) {
            return "is of Argon2id with t=" + passes + "; expected 1 to " + MOST_WORK / kib + " with m=" + kib;
        }
        byte[] salt = bytes(argon2.group(4));
        byte[] sum = bytes(argon2.group(5));
        if (salt == null || salt.length < LEAST_SALT || salt.length > MOST_BYTES) {
            return "has a salt that is not base64 of " + LEAST_SALT + " to " + MOST_BYTES + " bytes";
        }
        return sum == null || sum.length < LEAST_HASH || sum.length > MOST_BYTES
                ? "has an end that is not base64 of " + LEAST_HASH + " to " + MOST_BYTES + " bytes"
                : null;
    }

    private static byte @Nullable [] bytes(String base64) {
        try {
            return Base64.getDecoder().decode(base64);
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    private static String kind(String hash) {
        if (hash.startsWith("{SHA}") || hash.startsWith("{SSHA}")) {
            return "SHA-1, which is found out fast";
        }
        if (hash.startsWith("$apr1$") || hash.startsWith("$1$")) {
            return "MD5, which is found out fast";
        }
        if (hash.startsWith("$5$") || hash.startsWith("$6$")) {
            return "one of crypt's SHA-2";
        }
        if (hash.startsWith("$argon2")) {
            return "one of Argon2i or Argon2d, of an old version, or a malformed one of Argon2id";
        }
        return "none that is known, or a password in the clear";
    }

    /** Whether a password is the one of a hash. Takes long, by a whole processor. */
    boolean matches(String password, String hash) {
        byte[] bytes = password.getBytes(StandardCharsets.UTF_8);
        Matcher argon2 = ARGON2ID.matcher(hash);
        if (!argon2.matches()) {
            try {
                return OpenBSDBCrypt.checkPassword(hash, bytes);
            } catch (RuntimeException e) {
                // The control half lets only good hashes through.
                return false;
            }
        }
        return problem(argon2) == null && argon2id(bytes, argon2);
    }

    private boolean argon2id(byte[] password, Matcher hash) {
        byte[] expected = Base64.getDecoder().decode(hash.group(5));
        Argon2BytesGenerator generator = new Argon2BytesGenerator();
        byte[] made = new byte[expected.length];
        memory.acquireUninterruptibly();
        try {
            generator.init(new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
                    .withVersion(Argon2Parameters.ARGON2_VERSION_13)
                    .withMemoryAsKB(Integer.parseInt(hash.group(1)))
                    .withIterations(Integer.parseInt(hash.group(2)))
                    .withParallelism(Integer.parseInt(hash.group(3)))
                    .withSalt(Base64.getDecoder().decode(hash.group(4)))
                    .build());
            generator.generateBytes(password, made);
        } finally {
            memory.release();
        }
        return MessageDigest.isEqual(expected, made);
    }
}
