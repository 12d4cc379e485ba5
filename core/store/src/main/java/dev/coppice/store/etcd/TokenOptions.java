package dev.coppice.store.etcd;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What kind of tokens users get who sign in; written as etcd's option {@code --auth-token}. */
public sealed interface TokenOptions {

    Duration DEFAULT_TTL = Duration.ofMinutes(5);

    /** Random tokens, good for some time after their last use. */
    record Simple(Duration ttl) implements TokenOptions {}

    /**
     * JSON Web Tokens.
     *
     * @param method such as RS256
     * @param privateKey signs them; null on a member that only recognises them
     * @param publicKey recognises them; null for that of the private key
     * @param ttl how long they are good
     */
    record Signed(
            String method,
            @Nullable Path privateKey,
            @Nullable Path publicKey,
            Duration ttl) implements TokenOptions {}

    TokenOptions DEFAULT = new Simple(DEFAULT_TTL);

    /**
     * Reads {@code simple[,ttl=5m]} or {@code jwt,sign-method=RS256,priv-key=FILE,pub-key=FILE[,ttl=5m]}.
     *
     * @throws IllegalArgumentException with everything that is wrong
     */
    static TokenOptions parse(String text) {
        List<String> problems = new ArrayList<>();
        String[] parts = text.split(",", -1);
        List<String> allowed =
                parts[0].equals("jwt") ? List.of("sign-method", "priv-key", "pub-key", "ttl") : List.of("ttl");
        if (!List.of("jwt", "simple").contains(parts[0])) {
            problems.add("\"" + parts[0] + "\" is no kind of token: expected simple or jwt");
        }
        Map<String, String> values = new HashMap<>();
        for (int i = 1; i < parts.length; i++) {
            String[] pair = parts[i].split("=", 2);
            if (pair.length < 2 || !allowed.contains(pair[0])) {
                problems.add("\"" + parts[i] + "\" is unknown: expected some of " + allowed + ", each with =VALUE");
            } else {
                values.put(pair[0], pair[1]);
            }
        }
        Duration ttl = ttl(values.get("ttl"), problems);
        String method = values.getOrDefault("sign-method", "");
        if (parts[0].equals("jwt")) {
            if (!method.matches("(RS|PS|ES|HS)(256|384|512)")) {
                problems.add(
                        "sign-method \"" + method + "\" is unknown: expected RS, PS, ES or HS with 256, 384 or 512");
            }
            if (!values.containsKey("priv-key") && !values.containsKey("pub-key")) {
                problems.add("a jwt needs priv-key=FILE to sign tokens, or pub-key=FILE to recognise them");
            }
        }
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException("--auth-token: " + String.join("; ", problems));
        }
        return parts[0].equals("jwt")
                ? new Signed(method, path(values.get("priv-key")), path(values.get("pub-key")), ttl)
                : new Simple(ttl);
    }

    private static @Nullable Path path(@Nullable String text) {
        return text == null ? null : Path.of(text);
    }

    private static Duration ttl(@Nullable String text, List<String> problems) {
        if (text == null) {
            return DEFAULT_TTL;
        }
        Matcher matcher = Pattern.compile("(\\d{1,6})([smh])").matcher(text);
        if (!matcher.matches() || matcher.group(1).matches("0+")) {
            problems.add("ttl \"" + text + "\" is no time: expected a number and s, m or h, such as 10m");
            return DEFAULT_TTL;
        }
        long number = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "s" -> Duration.ofSeconds(number);
            case "m" -> Duration.ofMinutes(number);
            default -> Duration.ofHours(number);
        };
    }
}
