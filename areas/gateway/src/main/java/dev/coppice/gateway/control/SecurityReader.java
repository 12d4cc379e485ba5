package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.gateway.authentication.IssuerAddress;
import dev.coppice.gateway.authentication.KeyMethod;
import dev.coppice.gateway.authentication.PasswordFile;
import dev.coppice.gateway.authentication.VerificationKeys;
import dev.coppice.gateway.config.ReservedHeaders;
import dev.coppice.gateway.config.SecurityConfig;
import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.gateway.config.SecurityConfig.Rule;
import dev.coppice.gateway.config.SecurityConfig.Source;
import dev.coppice.gateway.expression.RequestExpression;
import dev.coppice.gateway.kind.LocalReference;
import dev.coppice.gateway.kind.PolicyStatus;
import dev.coppice.gateway.kind.SecurityPolicySpec;
import dev.coppice.gateway.route.RequestPath;
import dev.coppice.schema.GoDuration;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads SecurityPolicies and what they refer to. What was read is kept for as long as all of that stays as it is, since compiling CEL, and reading
 * keys, takes long. Not safe for use by many threads.
 */
final class SecurityReader {
    private static final int MOST_CLIENTS = 10_000;
    private static final int LEAST_SESSION_KEY = 32;
    private static final int MOST_SESSION_KEYS = 4;
    /**
     * What a policy comes to.
     *
     * @param config without targets; invalid where there is a problem
     * @param invalid what is wrong with the policy itself; null when nothing is
     * @param unresolved what it refers to and cannot be used; null when all can
     */
    record Read(SecurityConfig config, @Nullable String invalid, References.@Nullable Problem unresolved) {}

    private static final class InvalidException extends Exception {
        InvalidException(String message) {
            super(message, null, false, false);
        }
    }

    private static final class UnresolvedException extends Exception {
        final References.Problem problem;

        UnresolvedException(References.Problem problem) {
            super(problem.message(), null, false, false);
            this.problem = problem;
        }
    }

    private Map<List<String>, Read> known = Map.of();
    private Map<List<String>, Read> used = new HashMap<>();

    /** A translation begins. */
    void begin() {
        known = used;
        used = new HashMap<>();
    }

    Read read(Resource<SecurityPolicySpec, PolicyStatus> policy, References references) {
        List<String> versions = new ArrayList<>();
        versions.add(policy.uid() + "/" + policy.generation());
        referred(policy.spec()).forEach(each -> versions.add(references.version(policy.namespace(), each)));
        return used.computeIfAbsent(List.copyOf(versions), version -> {
            Read before = known.get(version);
            return before == null ? fresh(policy, references) : before;
        });
    }

    private static List<LocalReference> referred(SecurityPolicySpec spec) {
        List<LocalReference> all = new ArrayList<>();
        SecurityPolicySpec.Authentication authentication = spec.authentication();
        for (SecurityPolicySpec.Method each :
                authentication == null ? List.<SecurityPolicySpec.Method>of() : authentication.methods()) {
            if (each.apiKey() != null) {
                each.apiKey().secretRefs().forEach(ref -> all.add(secret(ref)));
            }
            if (each.basic() != null) {
                all.add(secret(each.basic().secretRef()));
            }
            if (each.oidc() != null) {
                all.add(secret(each.oidc().clientSecretRef()));
                if (each.oidc().sessionKeyRef() != null) {
                    all.add(secret(each.oidc().sessionKeyRef()));
                }
                all.addAll(each.oidc().caCertificateRefs());
            }
            if (each.jwt() != null && each.jwt().keys().ref() != null) {
                all.add(each.jwt().keys().ref());
            }
            if (each.jwt() != null && each.jwt().keys().remote() != null) {
                all.addAll(each.jwt().keys().remote().caCertificateRefs());
            }
        }
        return all;
    }

    private static LocalReference secret(SecurityPolicySpec.SecretName reference) {
        return new LocalReference("", "Secret", reference.name());
    }

    private static Read fresh(Resource<SecurityPolicySpec, PolicyStatus> policy, References references) {
        String name = policy.key().toString();
        try {
            SecurityPolicySpec.Authentication authentication = policy.spec().authentication();
            SecurityPolicySpec.Authorization authorization = policy.spec().authorization();
            // Before what it refers to: the policy's own faults are told first.
            SecurityConfig.Authorization rules = authorization == null ? null : rules(authorization);
            List<Method> methods =
                    authentication == null ? List.of() : new MethodReader(policy, references).methods(authentication);
            return new Read(
                    new SecurityConfig(
                            name,
                            List.of(),
                            null,
                            authentication == null ? "" : authentication.realm(),
                            methods,
                            authentication != null && authentication.optional(),
                            rules),
                    null,
                    null);
        } catch (InvalidException e) {
            String problem = String.valueOf(e.getMessage());
            return new Read(SecurityConfig.invalid(name, problem), problem, null);
        } catch (UnresolvedException e) {
            return new Read(SecurityConfig.invalid(name, e.problem.message()), null, e.problem);
        }
    }

    private static SecurityConfig.Authorization rules(SecurityPolicySpec.Authorization authorization)
            throws InvalidException {
        List<Rule> rules = new ArrayList<>();
        for (SecurityPolicySpec.AccessRule each : authorization.rules()) {
            try {
                RequestExpression _ = RequestExpression.condition(each.when());
            } catch (InvalidExpressionException e) {
                throw new InvalidException(
                        "authorization.rules[" + rules.size() + "] (" + each.name() + ").when: " + e.getMessage());
            }
            rules.add(new Rule(each.name(), each.action().equals("Allow"), each.when()));
        }
        return new SecurityConfig.Authorization(
                rules, authorization.defaultAction().equals("Allow"));
    }

    /** Reads the methods of one policy. */
    private static final class MethodReader {
        private final Resource<SecurityPolicySpec, PolicyStatus> policy;
        private final References references;
        private String place = "";

        MethodReader(Resource<SecurityPolicySpec, PolicyStatus> policy, References references) {
            this.policy = policy;
            this.references = references;
        }

        List<Method> methods(SecurityPolicySpec.Authentication authentication)
                throws InvalidException, UnresolvedException {
            List<Method> all = new ArrayList<>();
            for (SecurityPolicySpec.Method each : authentication.methods()) {
                place = "authentication.methods[" + all.size() + "] (" + each.name() + ")";
                if (each.apiKey() != null) {
                    all.add(keys(each.name(), each.apiKey()));
                } else if (each.basic() != null) {
                    all.add(passwords(each.name(), each.basic()));
                } else if (each.jwt() != null) {
                    all.add(tokens(each.name(), each.jwt()));
                } else if (each.oidc() != null) {
                    all.add(sessions(each.name(), each.oidc()));
                } else if (each.type().equals("ClientCertificate")) {
                    SecurityPolicySpec.ClientCertificate spec = each.clientCertificate();
                    all.add(new Method.ClientCertificate(
                            each.name(),
                            header(spec == null ? null : spec.nameHeader(), "clientCertificate.nameHeader")));
                } else if (each.external() != null) {
                    all.add(external(each.name(), each.external()));
                } else {
                    throw new InvalidException(place + ".type: " + each.type() + " is not known");
                }
            }
            return all;
        }

        private static List<Source> sources(List<SecurityPolicySpec.Source> sources) {
            return sources.stream()
                    .map(each -> switch (each.type()) {
                        case "Cookie" -> new Source(Source.Type.COOKIE, each.name(), "");
                        case "Query" -> new Source(Source.Type.QUERY, each.name(), "");
                        default ->
                            new Source(
                                    Source.Type.HEADER,
                                    each.name().toLowerCase(Locale.ROOT),
                                    each.prefix() == null ? "" : each.prefix());
                    })
                    .toList();
        }

        private @Nullable String header(@Nullable String name, String field) throws InvalidException {
            if (name == null) {
                return null;
            }
            String lower = name.toLowerCase(Locale.ROOT);
            if (ReservedHeaders.forIdentity(lower)) {
                throw new InvalidException(place + "." + field + ": " + name
                        + " has another meaning; expected a header of your own, such as X-User");
            }
            return lower;
        }

        private UnresolvedException unusable(String field, String what) {
            return new UnresolvedException(
                    new References.Problem("InvalidReference", place + "." + field + ": " + what));
        }

        private <T> T found(String field, References.Looked<T> looked) throws UnresolvedException {
            T value = looked.value();
            References.Problem problem = looked.problem();
            if (value == null) {
                throw new UnresolvedException(new References.Problem(
                        problem == null ? "InvalidReference" : problem.reason(),
                        place + "." + field + ": " + (problem == null ? "it is empty" : problem.message())));
            }
            return value;
        }

        private Method keys(String name, SecurityPolicySpec.ApiKey spec) throws InvalidException, UnresolvedException {
            String header = header(spec.clientIDHeader(), "apiKey.clientIDHeader");
            String salt = policy.uid();
            List<SecurityConfig.Client> clients = new ArrayList<>();
            Set<String> hashes = new HashSet<>();
            for (int i = 0; i < spec.secretRefs().size(); i++) {
                String field = "apiKey.secretRefs[" + i + "]";
                Key key = new Key(policy.namespace(), spec.secretRefs().get(i).name());
                ObjectNode secret = found(field, references.secret(key));
                for (String id : SecretData.names(secret)) {
                    String text = SecretData.text(secret, id);
                    if (text == null) {
                        throw unusable(field, "entry " + id + " of Secret " + key + " is empty, or no UTF-8");
                    }
                    for (String line : text.lines().map(String::strip).toList()) {
                        if (line.isEmpty()) {
                            continue;
                        }
                        if (!good(line)) {
                            throw unusable(
                                    field,
                                    "entry " + id + " of Secret " + key + " has a key that is no text of "
                                            + KeyMethod.LEAST_CHARACTERS + " to " + KeyMethod.MOST_CHARACTERS
                                            + " printable ASCII characters without blanks");
                        }
                        String hash = KeyMethod.hash(salt, line);
                        if (!hashes.add(hash)) {
                            throw unusable(
                                    field, "entry " + id + " of Secret " + key + " has a key that is there twice");
                        }
                        if (clients.size() == MOST_CLIENTS) {
                            throw unusable(field, "there may be " + MOST_CLIENTS + " keys at most");
                        }
                        clients.add(new SecurityConfig.Client(id, hash));
                    }
                }
            }
            return new Method.ApiKey(name, sources(spec.from()), salt, clients, header, spec.forward());
        }

        private static boolean good(String key) {
            return key.length() >= KeyMethod.LEAST_CHARACTERS
                    && key.length() <= KeyMethod.MOST_CHARACTERS
                    && key.chars().allMatch(c -> c > ' ' && c < 0x7F);
        }

        private Method passwords(String name, SecurityPolicySpec.Basic spec)
                throws InvalidException, UnresolvedException {
            String header = header(spec.usernameHeader(), "basic.usernameHeader");
            String file = found(
                    "basic.secretRef", references.entry(policy.namespace(), secret(spec.secretRef()), ".htpasswd"));
            PasswordFile.Read read = PasswordFile.read(file);
            if (read.problem() != null) {
                throw unusable(
                        "basic.secretRef",
                        "the entry .htpasswd of Secret " + policy.namespace() + "/"
                                + spec.secretRef().name() + ", " + read.problem());
            }
            return new Method.Basic(name, read.users(), header, spec.forward());
        }

        private Method tokens(String name, SecurityPolicySpec.Jwt spec) throws InvalidException, UnresolvedException {
            return new Method.Jwt(
                    name,
                    spec.issuer(),
                    spec.audiences(),
                    keySet(spec.keys()),
                    spec.algorithms(),
                    duration(spec.clockSkew(), "jwt.clockSkew").toMillis(),
                    sources(spec.from()),
                    claimHeaders(spec.claimHeaders(), "jwt"),
                    spec.forward());
        }

        private List<SecurityConfig.ClaimHeader> claimHeaders(List<SecurityPolicySpec.ClaimHeader> spec, String field)
                throws InvalidException {
            List<SecurityConfig.ClaimHeader> headers = new ArrayList<>();
            for (SecurityPolicySpec.ClaimHeader each : spec) {
                String header = header(each.header(), field + ".claimHeaders[" + headers.size() + "].header");
                headers.add(new SecurityConfig.ClaimHeader(each.claim(), header == null ? "" : header));
            }
            return headers;
        }

        private Method sessions(String name, SecurityPolicySpec.Oidc spec)
                throws InvalidException, UnresolvedException {
            https(spec.issuer(), "oidc.issuer");
            SecurityPolicySpec.Endpoints given = spec.endpoints();
            SecurityConfig.Endpoints endpoints = null;
            if (given != null) {
                https(given.authorization(), "oidc.endpoints.authorization");
                https(given.token(), "oidc.endpoints.token");
                https(given.keys(), "oidc.endpoints.keys");
                if (given.userInfo() != null) {
                    https(given.userInfo(), "oidc.endpoints.userInfo");
                }
                if (given.endSession() != null) {
                    https(given.endSession(), "oidc.endpoints.endSession");
                }
                endpoints = new SecurityConfig.Endpoints(
                        given.authorization(), given.token(), given.keys(), given.userInfo(), given.endSession());
            }
            path(spec.redirectPath(), "oidc.redirectPath");
            path(spec.logoutPath(), "oidc.logoutPath");
            path(spec.afterLogoutPath(), "oidc.afterLogoutPath");
            if (spec.backChannelLogoutPath() != null) {
                path(spec.backChannelLogoutPath(), "oidc.backChannelLogoutPath");
            }
            distinct(spec);
            List<String> scopes = new ArrayList<>();
            scopes.add("openid");
            spec.scopes().stream().filter(each -> !scopes.contains(each)).forEach(scopes::add);
            List<SecurityConfig.ClaimHeader> headers = claimHeaders(spec.claimHeaders(), "oidc");
            long lifetime = duration(spec.lifetime(), "oidc.lifetime").toMillis();
            long skew = duration(spec.clockSkew(), "oidc.clockSkew").toMillis();
            String secret = found(
                            "oidc.clientSecretRef",
                            references.entry(policy.namespace(), secret(spec.clientSecretRef()), "client-secret"))
                    .strip();
            return new Method.Oidc(
                    name,
                    spec.issuer(),
                    endpoints,
                    authorities(spec.caCertificateRefs(), "oidc.caCertificateRefs"),
                    spec.allowLinkLocal(),
                    spec.clientID(),
                    new SecurityConfig.Secret(secret),
                    spec.clientAuthentication().equals("Post"),
                    scopes,
                    spec.redirectPath(),
                    spec.logoutPath(),
                    spec.afterLogoutPath(),
                    spec.backChannelLogoutPath(),
                    new SecurityConfig.SessionCookies(
                            spec.cookieName(), spec.sameSite(), spec.plainHTTP(), sessionKeys(spec, secret)),
                    lifetime,
                    spec.algorithms(),
                    skew,
                    headers,
                    spec.userInfoClaims(),
                    spec.forwardAccessToken());
        }

        /** One path has one meaning. */
        private void distinct(SecurityPolicySpec.Oidc spec) throws InvalidException {
            Map<String, String> fields = new HashMap<>();
            for (String field : List.of("redirectPath", "logoutPath", "backChannelLogoutPath")) {
                String path = switch (field) {
                    case "redirectPath" -> spec.redirectPath();
                    case "logoutPath" -> spec.logoutPath();
                    default -> spec.backChannelLogoutPath();
                };
                String other = path == null ? null : fields.putIfAbsent(path, field);
                if (other != null) {
                    throw new InvalidException(place + ".oidc." + field + ": \"" + path + "\" is " + other
                            + ", too; expected another path");
                }
            }
        }

        private List<SecurityConfig.Secret> sessionKeys(SecurityPolicySpec.Oidc spec, String clientSecret)
                throws UnresolvedException {
            SecurityPolicySpec.SecretName reference = spec.sessionKeyRef();
            if (reference == null) {
                // Whoever has a session could else guess a short one, and make sessions.
                if (clientSecret.length() < LEAST_SESSION_KEY) {
                    throw unusable(
                            "oidc.clientSecretRef",
                            "the client's secret has less than " + LEAST_SESSION_KEY
                                    + " characters, so sessions cannot be encrypted with it; give a sessionKeyRef");
                }
                return List.of(new SecurityConfig.Secret(clientSecret));
            }
            List<String> lines = found(
                            "oidc.sessionKeyRef", references.entry(policy.namespace(), secret(reference), "key"))
                    .lines()
                    .map(String::strip)
                    .filter(each -> !each.isEmpty())
                    .toList();
            if (lines.isEmpty()
                    || lines.size() > MOST_SESSION_KEYS
                    || lines.stream().anyMatch(each -> each.length() < LEAST_SESSION_KEY)) {
                throw unusable(
                        "oidc.sessionKeyRef",
                        "the entry key of Secret " + policy.namespace() + "/" + reference.name() + " has to have 1 to "
                                + MOST_SESSION_KEYS + " lines of " + LEAST_SESSION_KEY
                                + " characters at least, such as `openssl rand -base64 32` makes them");
            }
            return lines.stream().map(SecurityConfig.Secret::new).toList();
        }

        private void path(String path, String field) throws InvalidException {
            if (!path.equals(RequestPath.normal(path))) {
                throw new InvalidException(place + "." + field + ": \"" + path
                        + "\": expected a path in its normal form, without . and .. and needless escapes");
            }
        }

        private void https(String address, String field) throws InvalidException {
            if (!IssuerAddress.good(address)) {
                throw new InvalidException(
                        place + "." + field + ": \"" + address + "\": expected https://HOST[:PORT]/PATH");
            }
        }

        /** Null for those that the machine trusts. */
        private @Nullable String authorities(List<LocalReference> references, String field) throws UnresolvedException {
            StringBuilder all = new StringBuilder();
            for (int i = 0; i < references.size(); i++) {
                all.append(found(
                        field + "[" + i + "]", this.references.authorities(policy.namespace(), references.get(i))));
            }
            return references.isEmpty() ? null : all.toString();
        }

        /** Of which upstream is not known yet. */
        private Method external(String name, SecurityPolicySpec.External spec) throws InvalidException {
            List<String> headers = new ArrayList<>();
            for (String each : spec.backendHeaders()) {
                String header = header(each, "external.backendHeaders[" + headers.size() + "]");
                headers.add(header == null ? "" : header);
            }
            SecurityPolicySpec.Body body = spec.body();
            return new Method.External(
                    name,
                    "",
                    spec.path(),
                    spec.requestHeaders(),
                    headers,
                    spec.clientHeaders(),
                    spec.subjectHeader(),
                    duration(spec.timeout(), "external.timeout").toMillis(),
                    spec.failOpen(),
                    spec.protocol().equals("GRPC"),
                    body == null ? null : new SecurityConfig.SeenBody(body.maxBytes(), body.allowPartial()));
        }

        private Duration duration(String text, String field) throws InvalidException {
            Duration read = GoDuration.parse(text);
            if (read == null) {
                throw new InvalidException(
                        place + "." + field + ": " + text + " is no duration; expected such as 30s or 1h30m");
            }
            return read;
        }

        private SecurityConfig.KeySet keySet(SecurityPolicySpec.KeySet spec)
                throws InvalidException, UnresolvedException {
            if (spec.inline() != null) {
                try {
                    VerificationKeys _ = VerificationKeys.readStrictly(spec.inline());
                } catch (VerificationKeys.InvalidKeySetException e) {
                    throw new InvalidException(place + ".jwt.keys.inline: the key set " + e.problem());
                }
                return new SecurityConfig.KeySet.Known(spec.inline());
            }
            LocalReference reference = spec.ref();
            if (reference != null) {
                String text = found("jwt.keys.ref", references.entry(policy.namespace(), reference, "jwks"));
                try {
                    VerificationKeys _ = VerificationKeys.readStrictly(text);
                } catch (VerificationKeys.InvalidKeySetException e) {
                    throw unusable(
                            "jwt.keys.ref",
                            "the entry jwks of " + reference.kind() + " " + policy.namespace() + "/" + reference.name()
                                    + " " + e.problem());
                }
                return new SecurityConfig.KeySet.Known(text);
            }
            SecurityPolicySpec.RemoteKeySet remote = spec.remote();
            if (remote == null) {
                throw new InvalidException(place + ".jwt.keys: expected one of inline, ref and remote");
            }
            return remote(remote);
        }

        private SecurityConfig.KeySet remote(SecurityPolicySpec.RemoteKeySet spec)
                throws InvalidException, UnresolvedException {
            https(spec.uri(), "jwt.keys.remote.uri");
            return new SecurityConfig.KeySet.Remote(
                    spec.uri(),
                    authorities(spec.caCertificateRefs(), "jwt.keys.remote.caCertificateRefs"),
                    duration(spec.refresh(), "jwt.keys.remote.refresh").toMillis(),
                    spec.allowLinkLocal());
        }
    }
}
