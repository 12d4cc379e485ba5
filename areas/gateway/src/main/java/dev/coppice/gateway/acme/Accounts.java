package dev.coppice.gateway.acme;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Resource;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.runtime.Condition;
import dev.coppice.control.webhook.HttpsCall;
import dev.coppice.gateway.kind.IssuerSpec;
import dev.coppice.gateway.kind.IssuerSpec.SecretKey;
import dev.coppice.gateway.kind.IssuerStatus;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.Pem;
import java.net.MalformedURLException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.shredzone.acme4j.AccountBuilder;
import org.shredzone.acme4j.Login;
import org.shredzone.acme4j.exception.AcmeException;

/** The accounts of issuers at their ACME servers. Their keys are in Secrets. Safe for use by many threads. */
final class Accounts {
    static final ResourceType SECRETS = new ResourceType("", "v1", "secrets");

    /** Where Secrets of ClusterIssuers are. */
    static final String CLUSTER_NAMESPACE = "coppice-system";

    private static final int MOST_KEPT = 500;

    private record Known(String version, Login login) {}

    private final Kernel kernel;
    private final ResourceClient resources;
    private final HttpsCall.AddressRule addresses;
    /** By uid of the issuer; the one that was made first goes first. */
    private final Map<String, Known> logins = new LinkedHashMap<>();

    /** @param addresses that ACME servers may have */
    Accounts(Kernel kernel, ResourceClient resources, HttpsCall.AddressRule addresses) {
        this.kernel = kernel;
        this.resources = resources;
        this.addresses = addresses;
    }

    private static String namespace(Resource<IssuerSpec, IssuerStatus> issuer) {
        return issuer.namespace().isEmpty() ? CLUSTER_NAMESPACE : issuer.namespace();
    }

    /**
     * The key of an issuer's account.
     *
     * @param make whether one is made when there is no Secret
     * @throws NotReadyException when there is none that can be used
     */
    KeyPair key(Resource<IssuerSpec, IssuerStatus> issuer, boolean make) throws NotReadyException {
        SecretKey reference = issuer.spec().acme().privateKeySecretRef();
        String namespace = namespace(issuer);
        String what = "spec.acme.privateKeySecretRef: Secret " + namespace + "/" + reference.name();
        byte[] found = resources
                .secret(namespace, reference.name())
                .map(each -> each.getOrDefault(reference.keyOrDefault(), new byte[0]))
                .orElse(null);
        try {
            if (found == null) {
                if (!make || issuer.spec().acme().disableAccountKeyGeneration()) {
                    throw new NotReadyException(what + " does not exist");
                }
                return made(namespace, reference);
            }
            if (found.length == 0) {
                throw new NotReadyException(what + " lacks the entry " + reference.keyOrDefault());
            }
            return PrivateKeys.read(new String(found, StandardCharsets.US_ASCII));
        } catch (GeneralSecurityException e) {
            throw new NotReadyException(what + " holds no private key under " + reference.keyOrDefault()
                    + "; expected one in PEM, of RSA or an elliptic curve: " + e.getMessage());
        } catch (ApiException e) {
            throw new NotReadyException(what + " cannot be written: " + e.getMessage());
        }
    }

    private KeyPair made(String namespace, SecretKey reference) throws GeneralSecurityException {
        KeyPair keys = PrivateKeys.make(PrivateKeys.ACCOUNT, kernel.secureRandom());
        ObjectNode secret = JsonNodeFactory.instance.objectNode();
        secret.put("apiVersion", "v1").put("kind", "Secret").put("type", "Opaque");
        secret.putObject("metadata").put("namespace", namespace).put("name", reference.name());
        secret.putObject("data")
                .put(
                        reference.keyOrDefault(),
                        Base64.getEncoder()
                                .encodeToString(Pem.encode(keys.getPrivate()).getBytes(StandardCharsets.US_ASCII)));
        ObjectNode _ = resources.create(SECRETS, secret);
        return keys;
    }

    /** By which a key is recognised: the SHA-256 hash of its public half, in base64. */
    static String hash(KeyPair keys) {
        try {
            return Base64.getEncoder()
                    .encodeToString(MessageDigest.getInstance("SHA-256")
                            .digest(keys.getPublic().getEncoded()));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Registers an account, or finds the one that the key has already. Whoever makes an issuer agrees to the terms of service.
     *
     * @param changed whether the server has to be told of another email address
     */
    Login register(Resource<IssuerSpec, IssuerStatus> issuer, KeyPair keys, boolean changed)
            throws AcmeException, NotReadyException {
        IssuerSpec.Acme spec = issuer.spec().acme();
        AccountBuilder account = new AccountBuilder().agreeToTermsOfService().useKeyPair(keys);
        String email = spec.email();
        if (email != null) {
            account.addEmail(email);
        }
        bind(account, issuer);
        Login login = account.createLogin(server(spec).session(spec));
        if (changed) {
            var edited = login.getAccount().modify();
            edited.getContacts().clear();
            if (email != null) {
                edited.addEmail(email);
            }
            edited.commit();
        }
        keep(issuer, keys, login.getAccountLocation().toString(), login);
        return login;
    }

    private AcmeServer server(IssuerSpec.Acme spec) throws NotReadyException {
        try {
            return AcmeServer.of(spec, kernel, addresses);
        } catch (GeneralSecurityException e) {
            throw new NotReadyException(String.valueOf(e.getMessage()));
        }
    }

    private void bind(AccountBuilder account, Resource<IssuerSpec, IssuerStatus> issuer) throws NotReadyException {
        IssuerSpec.ExternalAccountBinding binding = issuer.spec().acme().externalAccountBinding();
        if (binding == null) {
            return;
        }
        SecretKey reference = binding.keySecretRef();
        byte[] mac = resources
                .secret(namespace(issuer), reference.name())
                .map(each -> each.getOrDefault(reference.keyOrDefault(), new byte[0]))
                .orElse(new byte[0]);
        if (mac.length == 0) {
            throw new NotReadyException("spec.acme.externalAccountBinding.keySecretRef: Secret " + namespace(issuer)
                    + "/" + reference.name() + " with the entry " + reference.keyOrDefault() + " does not exist");
        }
        try {
            account.withKeyIdentifier(binding.keyID(), new String(mac, StandardCharsets.US_ASCII).strip());
        } catch (IllegalArgumentException e) {
            throw new NotReadyException("spec.acme.externalAccountBinding.keySecretRef: Secret " + reference.name()
                    + ": expected a MAC key in base64url without padding: " + e.getMessage());
        }
    }

    /**
     * For requests of an issuer's account.
     *
     * @throws NotReadyException when it is not registered, or its key is away
     */
    Login login(Resource<IssuerSpec, IssuerStatus> issuer) throws NotReadyException {
        IssuerStatus status = issuer.status();
        String what = issuer.kind().kind() + " " + issuer.key() + " is not ready";
        Condition ready = status == null
                ? null
                : Condition.find(status.conditions(), "Ready").orElse(null);
        String uri =
                status == null || status.acme() == null ? null : status.acme().uri();
        if (ready == null || !ready.isTrue() || uri == null) {
            throw new NotReadyException(what + (ready == null ? "" : ": " + ready.message()));
        }
        if (!Objects.equals(ready.observedGeneration(), issuer.generation())) {
            throw new NotReadyException(what + ": its spec has changed, and its account is being registered");
        }
        KeyPair keys = key(issuer, false);
        String version = version(issuer, keys, uri);
        synchronized (logins) {
            Known known = logins.get(issuer.uid());
            if (known != null && known.version.equals(version)) {
                return known.login;
            }
        }
        AcmeServer server = server(issuer.spec().acme());
        try {
            Login login =
                    server.session(issuer.spec().acme()).login(URI.create(uri).toURL(), keys);
            keep(issuer, keys, uri, login);
            return login;
        } catch (MalformedURLException | IllegalArgumentException e) {
            throw new NotReadyException(what + ": status.acme.uri is no address");
        }
    }

    private static String version(Resource<?, ?> issuer, KeyPair keys, String uri) {
        return issuer.generation() + " " + hash(keys) + " " + uri;
    }

    private void keep(Resource<IssuerSpec, IssuerStatus> issuer, KeyPair keys, String uri, Login login) {
        synchronized (logins) {
            logins.put(issuer.uid(), new Known(version(issuer, keys, uri), login));
            if (logins.size() > MOST_KEPT) {
                logins.remove(logins.keySet().iterator().next());
            }
        }
    }
}
