package dev.coppice.control.webhook;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Trusts a webhook's {@code caBundle}, or the platform's authorities without one. What was made is kept, so that sessions are
 * resumed. Safe for use by many threads.
 */
final class ServerTrust {
    private static final int MOST_CONTEXTS = 64;

    private final SecureRandom random;
    private final Map<String, ClientTls> known = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, ClientTls> eldest) {
            return size() > MOST_CONTEXTS;
        }
    };

    ServerTrust(SecureRandom random) {
        this.random = random;
    }

    /**
     * How to speak TLS with a webhook.
     *
     * @param caBundle PEM in base64, as it stands in objects; "" for the platform's authorities
     */
    synchronized ClientTls of(String caBundle) throws WebhookException {
        ClientTls tls = known.get(caBundle);
        if (tls == null) {
            try {
                String pem = new String(Base64.getDecoder().decode(caBundle), StandardCharsets.US_ASCII);
                tls = ClientTls.of(random, caBundle.isEmpty() ? null : pem, null, null);
            } catch (GeneralSecurityException | IOException | IllegalArgumentException e) {
                throw new WebhookException("the caBundle cannot be used: " + e.getMessage(), e);
            }
            known.put(caBundle, tls);
        }
        return tls;
    }
}
