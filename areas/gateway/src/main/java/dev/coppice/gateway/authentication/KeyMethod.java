package dev.coppice.gateway.authentication;

import dev.coppice.gateway.config.SecurityConfig.Client;
import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.gateway.config.SecurityConfig.Source;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * API keys, of which only hashes are known. A key is looked up by its hash: what the time of that tells is of a hash, from which nobody
 * gets to the key. Safe for use by many threads.
 */
public final class KeyMethod implements AuthenticationMethod {
    /** Keys are hashed fast, so they must be such as nobody guesses. */
    public static final int LEAST_CHARACTERS = 16;

    public static final int MOST_CHARACTERS = 512;

    private final Method.ApiKey config;
    private final CredentialFinder finder;
    private final byte[] salt;
    private final Map<Fingerprint, Outcome.Known> clients = new HashMap<>();

    KeyMethod(Method.ApiKey config) {
        this.config = config;
        this.finder = new CredentialFinder(config.from());
        this.salt = config.salt().getBytes(StandardCharsets.UTF_8);
        for (Client each : config.clients()) {
            List<Outcome.Header> headers = config.header() == null
                    ? List.of()
                    : List.of(new Outcome.Header(config.header(), HeaderText.of(each.id())));
            clients.put(
                    parsed(each.hash()), new Outcome.Known(new Identity("APIKey", config.name(), each.id()), headers));
        }
    }

    /** The hash of a key, as configurations have it. */
    public static String hash(String salt, String key) {
        return HexFormat.of()
                .formatHex(Fingerprint.sha256(
                        salt.getBytes(StandardCharsets.UTF_8), key.getBytes(StandardCharsets.UTF_8)));
    }

    private static Fingerprint parsed(String hash) {
        return new Fingerprint(word(hash, 0), word(hash, 1), word(hash, 2), word(hash, 3));
    }

    private static long word(String hash, int index) {
        return HexFormat.fromHexDigitsToLong(hash, index * 16, index * 16 + 16);
    }

    @Override
    public void authenticate(CredentialRequest request, Consumer<Outcome> done) {
        CredentialFinder.Found found = finder.find(request);
        if (found.problem() != null) {
            done.accept(new Outcome.Refused(found.problem()));
        } else if (found.value() == null) {
            done.accept(Outcome.Absent.ABSENT);
        } else {
            Outcome.Known known =
                    found.value().length() > MOST_CHARACTERS ? null : clients.get(Fingerprint.of(salt, found.value()));
            done.accept(known == null ? new Outcome.Refused("the key is not known") : known);
        }
    }

    /** No scheme is registered for API keys; a client has to be told something (RFC 9110, 15.5.2). */
    @Override
    public String challenge(String realm, @Nullable String problem) {
        return Challenge.of("ApiKey", realm);
    }

    @Override
    public List<Source> sources() {
        return finder.sources();
    }

    @Override
    public boolean forwards() {
        return config.forward();
    }

    @Override
    public List<String> owned() {
        return config.header() == null ? List.of() : List.of(config.header());
    }
}
