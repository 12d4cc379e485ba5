package dev.coppice.gateway.authentication;

import dev.coppice.gateway.config.SecurityConfig;
import dev.coppice.gateway.config.SecurityConfig.KeySet;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * Makes methods of configurations. Methods whose configuration stays are kept, with what they found good; so are fetched keys. Safe for
 * use by many threads.
 */
public final class AuthenticationMethods {
    /** Of the heap, for what was found good. A token takes half of an entry at most, a session with its new cookies half as much again. */
    private static final int PART_OF_HEAP = 32;

    private static final int ENTRY_BYTES = 32 << 10;
    private static final int FETCHES = 16;
    /** Of one method for people: an issuer that hangs does not keep those of others from logging in. */
    private static final int FETCHES_OF_ONE = 4;

    private final Kernel kernel;
    private final ProofCache cache;
    private final PasswordHash hash = new PasswordHash(Runtime.getRuntime().maxMemory());
    private final Executor passwords;
    private final Executor fetches;
    private final Executor issuers;
    private final Consumer<String> fetched;
    private final Consumer<String> sessions;
    private final AtomicLong scopes = new AtomicLong();
    private Map<SecurityConfig.Method, AuthenticationMethod> methods = Map.of();
    private Map<KeySet.Remote, RemoteKeys> remotes = Map.of();
    private final SessionEnds ended;

    /**
     * Begins.
     *
     * @param supervisor of the threads that hash passwords, fetch keys, and ask issuers
     * @param ended which sessions issuers have ended
     * @param fetched told of each fetch of keys: fetched, failed
     * @param sessions told what becomes of sessions, as {@link SessionMethod} says
     */
    public AuthenticationMethods(
            Kernel kernel,
            Supervisor supervisor,
            SessionEnds ended,
            Consumer<String> fetched,
            Consumer<String> sessions)
            throws StartException {
        this.kernel = kernel;
        this.ended = ended;
        long entries = Runtime.getRuntime().maxMemory() / PART_OF_HEAP / ENTRY_BYTES;
        this.cache = new ProofCache(
                kernel.clock(), kernel.secureRandom(), Integer.highestOneBit((int) Math.clamp(entries, 256, 1 << 16)));
        // Hashing takes whole processors; half of them are left to the traffic.
        this.passwords = supervisor.executor(
                "passwords", Math.max(1, Runtime.getRuntime().availableProcessors() / 2));
        this.fetches = supervisor.executor("key-fetches", FETCHES);
        this.issuers = supervisor.executor("issuers", FETCHES);
        this.fetched = fetched;
        this.sessions = sessions;
    }

    /** Makes those of all policies, and forgets all others. Certificates and other services are looked at by whoever has the connections. */
    public synchronized void update(List<SecurityConfig> policies) {
        Map<SecurityConfig.Method, AuthenticationMethod> next = new HashMap<>();
        Map<KeySet.Remote, RemoteKeys> nextRemotes = new HashMap<>();
        ended.keep(policies.stream()
                .flatMap(policy -> policy.methods().stream())
                .flatMap(each -> each instanceof SecurityConfig.Method.Oidc oidc ? Stream.of(oidc) : Stream.empty())
                .toList());
        for (SecurityConfig policy : policies) {
            for (SecurityConfig.Method each : policy.methods()) {
                if (each instanceof SecurityConfig.Method.Jwt jwt && jwt.keys() instanceof KeySet.Remote remote) {
                    RemoteKeys known = remotes.get(remote);
                    nextRemotes.computeIfAbsent(remote, _ -> known == null ? begun(remote) : known);
                }
                AuthenticationMethod known = methods.get(each);
                if (!(each instanceof SecurityConfig.Method.External)
                        && !(each instanceof SecurityConfig.Method.ClientCertificate)) {
                    next.computeIfAbsent(each, _ -> known == null ? made(each, nextRemotes) : known);
                }
            }
        }
        methods = next;
        remotes = nextRemotes;
    }

    /** The method of a configuration that was among those of the last update. */
    public synchronized AuthenticationMethod of(SecurityConfig.Method config) {
        AuthenticationMethod made = methods.get(config);
        if (made == null) {
            throw new IllegalArgumentException("method " + config.name() + " was not updated before");
        }
        return made;
    }

    private RemoteKeys begun(KeySet.Remote config) {
        RemoteKeys keys = new RemoteKeys(config, kernel, RemoteKeys.over(config, kernel), fetches, fetched);
        // So that the first request need not wait for them.
        boolean _ = keys.renew(() -> {});
        return keys;
    }

    private AuthenticationMethod made(SecurityConfig.Method config, Map<KeySet.Remote, RemoteKeys> remotes) {
        return switch (config) {
            case SecurityConfig.Method.ApiKey keys -> new KeyMethod(keys);
            case SecurityConfig.Method.Basic basic ->
                new PasswordMethod(basic, hash, new Proofs(kernel.clock(), cache, scopes.incrementAndGet(), passwords));
            case SecurityConfig.Method.Jwt jwt ->
                new TokenMethod(jwt, source(jwt.keys(), remotes), kernel.clock(), cache, scopes::incrementAndGet);
            case SecurityConfig.Method.Oidc oidc -> sessions(oidc);
            case SecurityConfig.Method.ClientCertificate _, SecurityConfig.Method.External _ ->
                throw new IllegalArgumentException(config.name() + " has no credential in the request");
        };
    }

    private SessionMethod sessions(SecurityConfig.Method.Oidc config) {
        Issuer issuer = new Issuer(
                config,
                IssuerClient.over(kernel, config.authorities(), config.allowLinkLocal()),
                kernel,
                cache,
                scopes::incrementAndGet,
                fetches,
                fetched);
        boolean _ = issuer.renew(() -> {});
        return new SessionMethod(
                config,
                issuer,
                ended.of(config),
                kernel,
                new Proofs(kernel.clock(), cache, scopes.incrementAndGet(), new ExecutorShare(issuers, FETCHES_OF_ONE)),
                sessions);
    }

    private static KeySource source(KeySet keys, Map<KeySet.Remote, RemoteKeys> remotes) {
        return switch (keys) {
            case KeySet.Remote remote -> {
                RemoteKeys known = remotes.get(remote);
                yield known == null ? KeySource.of(null) : known;
            }
            case KeySet.Known known -> {
                try {
                    yield KeySource.of(VerificationKeys.read(known.jwks()));
                } catch (VerificationKeys.InvalidKeySetException e) {
                    // The control half reads it before.
                    throw new IllegalArgumentException(e.getMessage(), e);
                }
            }
        };
    }
}
