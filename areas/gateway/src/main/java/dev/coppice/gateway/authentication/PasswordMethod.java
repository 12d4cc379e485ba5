package dev.coppice.gateway.authentication;

import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.gateway.config.SecurityConfig.Source;
import dev.coppice.gateway.config.SecurityConfig.User;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.bouncycastle.crypto.generators.OpenBSDBCrypt;
import org.jspecify.annotations.Nullable;

/**
 * Names and passwords (RFC 7617). A password that was good is good for five minutes without being hashed again; others are hashed elsewhere,
 * a few at a time. Safe for use by many threads.
 *
 * @see <a href="https://www.usenix.org/legacy/events/usenix99/provos/provos.pdf">bcrypt</a>
 */
public final class PasswordMethod implements AuthenticationMethod {
    private static final long PROVEN_MILLIS = 300_000;
    private static final List<Source> SOURCES = List.of(new Source(Source.Type.HEADER, "authorization", "Basic "));
    private static final String WRONG = "the name or the password is wrong";

    private final Method.Basic config;
    private final CredentialFinder finder = new CredentialFinder(SOURCES);
    private final Map<String, String> hashes = new HashMap<>();
    /** Hashed for users who are not there, so that time does not tell who is. */
    private final String anyHash;

    private final Proofs proofs;

    PasswordMethod(Method.Basic config, Proofs proofs) {
        this.config = config;
        this.proofs = proofs;
        for (User each : config.users()) {
            hashes.put(each.name(), each.hash());
        }
        this.anyHash = config.users().isEmpty() ? "" : config.users().getFirst().hash();
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
        String hash = hashes.get(credentials.name());
        if (!matches(credentials.password(), hash == null ? anyHash : hash) || hash == null) {
            return new Outcome.Refused(WRONG);
        }
        List<Outcome.Header> headers = config.header() == null
                ? List.of()
                : List.of(new Outcome.Header(config.header(), HeaderText.of(credentials.name())));
        return new Outcome.Known(new Identity("Basic", config.name(), credentials.name()), headers);
    }

    private static boolean matches(String password, String hash) {
        try {
            return OpenBSDBCrypt.checkPassword(hash, password.getBytes(StandardCharsets.UTF_8));
        } catch (RuntimeException e) {
            // The control half lets only hashes of bcrypt through.
            return false;
        }
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
