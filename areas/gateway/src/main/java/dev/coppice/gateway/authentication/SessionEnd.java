package dev.coppice.gateway.authentication;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Locale;

/**
 * That an issuer has ended sessions of one of its clients, as gateways tell each other. Immutable.
 *
 * @param clientId the client, as the issuer calls it
 * @param hash of the session's or the subject's identifier: SHA-256 with the scope, 43 characters of base64url; empty for {@link Scope#ALL}
 * @param atMillis when they ended, since 1970
 * @param untilMillis when none of them could be there any more, since 1970
 */
public record SessionEnd(String issuer, String clientId, Scope scope, String hash, long atMillis, long untilMillis) {

    /** Which sessions. In files they are known by their numbers. */
    public enum Scope {
        /** One, whenever it began: the same one never begins again. */
        SESSION("Session"),
        /** Those of a subject that began until then. */
        SUBJECT("Subject"),
        /** Those of them that cannot be told from each other, as the issuer names none in its ID tokens. */
        SUBJECT_WITHOUT_ID("SubjectWithoutSession"),
        /** Those of everybody that began until then: there were too many to name them. */
        ALL("All");

        /** As resources have it. */
        public final String word;

        Scope(String word) {
            this.word = word;
        }

        /** The one of a word. */
        public static Scope of(String word) {
            for (Scope each : values()) {
                if (each.word.equals(word)) {
                    return each;
                }
            }
            throw new IllegalArgumentException(
                    "scope " + word + ": expected Session, Subject, SubjectWithoutSession or All");
        }
    }

    /** The name of the resource that says so: the same for whatever was ended at whatever times. */
    public String name() {
        String of = client(issuer, clientId) + "-" + scope.word.toLowerCase(Locale.ROOT);
        return hash.isEmpty()
                ? of
                : of + "-" + HexFormat.of().formatHex(Base64.getUrlDecoder().decode(hash));
    }

    /** By which the client of an issuer is known in names of files and resources. */
    static String client(String issuer, String clientId) {
        return HexFormat.of()
                .formatHex(
                        Fingerprint.sha256(new byte[0], (issuer + "\n" + clientId).getBytes(StandardCharsets.UTF_8)));
    }
}
