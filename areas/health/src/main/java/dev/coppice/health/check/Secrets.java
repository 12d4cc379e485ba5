package dev.coppice.health.check;

import dev.coppice.control.ApiException;
import dev.coppice.control.ResourceClient;
import dev.coppice.health.kind.SecretKeyRef;
import dev.coppice.health.kind.SecretValue;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads secret values of a namespace, when they are needed. Safe for use by many threads. */
public final class Secrets {
    private final ResourceClient resources;

    public Secrets(ResourceClient resources) {
        this.resources = resources;
    }

    /** A secret that is referred to and is not there. */
    public static final class MissingSecretException extends Exception {
        private static final long serialVersionUID = 1;

        MissingSecretException(String message) {
            super(message);
        }
    }

    /** The text of the value; null for null. */
    public @Nullable String text(String namespace, @Nullable SecretValue value) throws MissingSecretException {
        return value == null ? null : text(namespace, value.value(), value.secretRef());
    }

    /** The text given in place, or the one referred to. */
    public String text(String namespace, @Nullable String value, @Nullable SecretKeyRef ref)
            throws MissingSecretException {
        if (ref == null) {
            return value == null ? "" : value;
        }
        Map<String, byte[]> data;
        try {
            data = resources
                    .secret(namespace, ref.name())
                    .orElseThrow(() -> new MissingSecretException("there is no Secret \"" + ref.name()
                            + "\" in namespace \"" + namespace + "\"; create it, or correct the secretRef"));
        } catch (ApiException e) {
            throw new MissingSecretException("Secret \"" + ref.name() + "\" cannot be read: " + e.getMessage());
        }
        byte[] bytes = data.get(ref.key());
        if (bytes == null) {
            throw new MissingSecretException("Secret \"" + ref.name() + "\" in namespace \"" + namespace
                    + "\" has no key \"" + ref.key() + "\"; add it, or correct the secretRef");
        }
        return new String(bytes, StandardCharsets.UTF_8).strip();
    }
}
