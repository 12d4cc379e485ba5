package dev.coppice.gateway.authentication;

import dev.coppice.gateway.config.SecurityConfig.User;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads users and hashes of passwords as Apache's {@code htpasswd -B} writes them: lines {@code NAME:$2y$…}. */
public final class PasswordFile {
    /** Two to the power of it are the rounds; more take longer than a second. */
    private static final int MOST_COST = 14;

    private static final int LEAST_COST = 4;
    private static final int MOST_USERS = 10_000;
    private static final int MOST_NAME = 255;
    private static final Pattern BCRYPT = Pattern.compile("\\$2[aby]\\$(\\d\\d)\\$[./A-Za-z0-9]{53}");

    private PasswordFile() {}

    /**
     * What was read.
     *
     * @param users empty when there is a problem
     * @param problem the end of a sentence about the file, without hashes; null when there is none
     */
    public record Read(List<User> users, @Nullable String problem) {
        public Read {
            users = List.copyOf(users);
        }
    }

    /** Reads a file. */
    public static Read read(String text) {
        List<User> users = new ArrayList<>();
        Set<String> names = new HashSet<>();
        int number = 0;
        for (String line : text.lines().toList()) {
            number++;
            String trimmed = line.strip();
            if (trimmed.isEmpty() || trimmed.startsWith("#")) {
                continue;
            }
            int colon = trimmed.indexOf(':');
            String name = colon < 0 ? "" : trimmed.substring(0, colon);
            String hash = trimmed.substring(colon + 1);
            String problem = problem(name, hash);
            if (problem == null && !names.add(name)) {
                problem = "user " + name + " is there twice";
            }
            if (problem == null && users.size() == MOST_USERS) {
                problem = "there may be " + MOST_USERS + " users at most";
            }
            if (problem != null) {
                return new Read(List.of(), "line " + number + ": " + problem);
            }
            users.add(new User(name, hash));
        }
        return users.isEmpty() ? new Read(List.of(), "there is no user") : new Read(users, null);
    }

    private static @Nullable String problem(String name, String hash) {
        if (name.isEmpty() || name.length() > MOST_NAME) {
            return "expected NAME:HASH, with a name of at most " + MOST_NAME + " characters";
        }
        var bcrypt = BCRYPT.matcher(hash);
        if (bcrypt.matches()) {
            int cost = Integer.parseInt(bcrypt.group(1));
            return cost >= LEAST_COST && cost <= MOST_COST
                    ? null
                    : "the hash of user " + name + " has a cost of " + cost + "; expected " + LEAST_COST + " to "
                            + MOST_COST;
        }
        return "the hash of user " + name + " is " + kind(hash) + "; expected one of bcrypt, as `htpasswd -B` makes it";
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
            return "Argon2";
        }
        return "none that is known, or a password in the clear";
    }
}
