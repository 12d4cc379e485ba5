package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Key;
import dev.coppice.gateway.authentication.IssuerAddress;
import dev.coppice.gateway.config.CredentialConfig;
import dev.coppice.gateway.config.ReservedHeaders;
import dev.coppice.gateway.config.SecurityConfig.Secret;
import dev.coppice.gateway.kind.CredentialsSpec;
import dev.coppice.gateway.kind.LocalReference;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Reads what BackendTrafficPolicies say of credentials. Pure functions. */
final class CredentialReader {
    private static final int LONGEST = 8 << 10;

    /**
     * What a section comes to.
     *
     * @param config {@link CredentialConfig.Missing} when there is a problem
     * @param problem null when there is none
     */
    record Read(CredentialConfig config, References.@Nullable Problem problem) {}

    private CredentialReader() {}

    /** @throws InvalidPolicyException when the section itself is wrong */
    static Read read(String namespace, CredentialsSpec spec, References references) throws InvalidPolicyException {
        CredentialsSpec.ClientCredentials client = spec.clientCredentials();
        String header = header(spec);
        if (client != null && !IssuerAddress.good(client.tokenURI())) {
            throw new InvalidPolicyException("credentials.clientCredentials.tokenURI: \"" + client.tokenURI()
                    + "\": expected https://HOST[:PORT]/PATH");
        }
        Key key = new Key(namespace, spec.secretRef().name());
        References.Looked<ObjectNode> secret = references.secret(key);
        if (secret.value() == null) {
            return missing("SecretNotFound", "credentials.secretRef: Secret " + key + " does not exist");
        }
        return switch (spec.type()) {
            case "Bearer" -> fixed(header, "Bearer ", secret.value(), key, "token");
            case "Basic" -> basic(secret.value(), key);
            case "Header" -> fixed(header, "", secret.value(), key, "value");
            default -> client(namespace, client, secret.value(), key, references);
        };
    }

    private static String header(CredentialsSpec spec) throws InvalidPolicyException {
        String name = spec.header() == null ? "authorization" : spec.header().toLowerCase(Locale.ROOT);
        if (ReservedHeaders.forAnything(name)) {
            throw new InvalidPolicyException("credentials.header: " + spec.header()
                    + " has another meaning; expected a header for credentials, such as X-API-Key");
        }
        return name;
    }

    private static Read missing(String reason, String message) {
        return new Read(new CredentialConfig.Missing(), new References.Problem(reason, message));
    }

    private static Read unusable(Key key, String entry, String what) {
        return missing(
                "InvalidReference", "credentials.secretRef: the entry " + entry + " of Secret " + key + " " + what);
    }

    private static Read fixed(String header, String prefix, ObjectNode secret, Key key, String entry) {
        String value = entry(secret, entry);
        if (value == null) {
            return unusable(key, entry, "is not there, or no line of 1 to " + LONGEST + " printable ASCII characters");
        }
        return new Read(new CredentialConfig.Fixed(header, new Secret(prefix + value)), null);
    }

    /** Without what editors put at the end. */
    private static @Nullable String entry(ObjectNode secret, String name) {
        String text = SecretData.text(secret, name);
        String value = text == null ? "" : text.strip();
        return value.isEmpty() || value.length() > LONGEST || !value.chars().allMatch(c -> c >= ' ' && c < 0x7F)
                ? null
                : value;
    }

    private static Read basic(ObjectNode secret, Key key) {
        String name = SecretData.text(secret, "username");
        String password = SecretData.text(secret, "password");
        if (name == null || name.isBlank() || name.contains(":") || name.length() > LONGEST) {
            return unusable(key, "username", "is not there, or has a colon, or is longer than " + LONGEST);
        }
        if (password == null || password.length() > LONGEST) {
            return unusable(key, "password", "is not there, or longer than " + LONGEST);
        }
        String pair = name.strip() + ":" + password.stripTrailing();
        String value = "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8));
        return new Read(new CredentialConfig.Fixed("authorization", new Secret(value)), null);
    }

    private static Read client(
            String namespace,
            CredentialsSpec.@Nullable ClientCredentials spec,
            ObjectNode secret,
            Key key,
            References references)
            throws InvalidPolicyException {
        if (spec == null) {
            throw new InvalidPolicyException(
                    "credentials.clientCredentials: expected it with the type ClientCredentials");
        }
        String value = entry(secret, "client-secret");
        if (value == null) {
            return unusable(
                    key,
                    "client-secret",
                    "is not there, or no line of 1 to " + LONGEST + " printable ASCII characters");
        }
        StringBuilder authorities = new StringBuilder();
        for (LocalReference each : spec.caCertificateRefs()) {
            References.Looked<String> found = references.authorities(namespace, each);
            if (found.value() == null) {
                References.Problem problem = found.problem();
                return missing(
                        problem == null ? "InvalidReference" : problem.reason(),
                        "credentials.clientCredentials.caCertificateRefs: "
                                + (problem == null ? "it is empty" : problem.message()));
            }
            authorities.append(found.value());
        }
        return new Read(
                new CredentialConfig.ClientCredentials(
                        spec.tokenURI(),
                        spec.clientID(),
                        new Secret(value),
                        spec.clientAuthentication().equals("Post"),
                        spec.scopes(),
                        spec.audience(),
                        spec.caCertificateRefs().isEmpty() ? null : authorities.toString(),
                        spec.allowLinkLocal()),
                null);
    }
}
