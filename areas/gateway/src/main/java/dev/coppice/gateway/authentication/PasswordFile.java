package dev.coppice.gateway.authentication;

import dev.coppice.gateway.config.SecurityConfig.User;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads users and hashes of passwords as Apache's {@code htpasswd -B} writes them: lines {@code NAME:$2y$…}, or {@code NAME:$argon2id$…}. */
public final class PasswordFile {
    private static final int MOST_USERS = 10_000;
    private static final int MOST_NAME = 255;

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
        String wrong = PasswordHash.problem(hash);
        return wrong == null ? null : "the hash of user " + name + " " + wrong;
    }
}
