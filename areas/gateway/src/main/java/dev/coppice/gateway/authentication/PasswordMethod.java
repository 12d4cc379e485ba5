package dev.coppice.gateway.authentication;

import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.gateway.config.SecurityConfig.Source;
import dev.coppice.gateway.config.SecurityConfig.User;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Names and passwords (RFC 7617). A password that was good is good for five minutes without being hashed again; others are hashed elsewhere,
 * a few at a time. Safe for use by many threads.
 *
 * @see PasswordHash
 */
public final class PasswordMethod implements AuthenticationMethod {
    private static final long PROVEN_MILLIS = 300_000;
    private static final List<Source> SOURCES = List.of(new Source(Source.Type.HEADER, "authorization", "Basic "));
    private static final String WRONG = "the name or the password is wrong";

    private final Method.Basic config;
    private final CredentialFinder finder = new CredentialFinder(SOURCES);
    private final Map<String, String> hashes = new HashMap<>();
    private final PasswordHash hash;
    private final Proofs proofs;

    PasswordMethod(Method.Basic config, PasswordHash hash, Proofs proofs) {
        this.config = config;
        this.hash = hash;
        this.proofs = proofs;
        for (User each : config.users()) {
            hashes.put(each.name(), each.hash());
        }
    }

    @Override
    public void authenticate(CredentialRequest request, Consumer<Outcome> done) {
        CredentialFinder.Found found = finder.find(request);
        if (found.problem() != null) {
            done.accept(new Outcome.Refused(found.problem()));
            return;
        }
        String text = found.value();
        if (text == null) {
            done.accept(Outcome.Absent.ABSENT);
            return;
        }
        BasicCredentials credentials = BasicCredentials.read(text);
        if (credentials == null) {
            done.accept(new Outcome.Refused("the credentials are malformed"));
            return;
        }
        proofs.prove(credentials.name() + ":" + credentials.password(), PROVEN_MILLIS, () -> check(credentials), done);
    }

    private Outcome check(BasicCredentials credentials) {
        String known = hashes.get(credentials.name());
        if (!hash.matches(credentials.password(), known == null ? another(credentials.name()) : known)
                || known == null) {
            return new Outcome.Refused(WRONG);
        }
        List<Outcome.Header> headers = config.header() == null
                ? List.of()
                : List.of(new Outcome.Header(config.header(), HeaderText.of(credentials.name())));
        return new Outcome.Known(new Identity("Basic", config.name(), credentials.name()), headers);
    }

    /**
     * What is hashed for a name that is not there, so that time does not tell who is: always the same for a name, and as often one of each
     * cost as users have it.
     */
    private String another(String name) {
        return config.users().isEmpty()
                ? ""
                : config.users()
                        .get(Math.floorMod(name.hashCode(), config.users().size()))
                        .hash();
    }

    @Override
    public String challenge(String realm, @Nullable String problem) {
        return Challenge.of("Basic", realm) + ", charset=\"UTF-8\"";
    }

    @Override
    public List<Source> sources() {
        return SOURCES;
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
