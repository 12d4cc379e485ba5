package dev.coppice.control.keys;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.KeyUse;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.kernel.DurableFile;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.Keyspace;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The keys that sign service account tokens (ES256), and their exchange: a new key signs, and older ones are good for verifying until
 * the longest token that they can have signed ends. They stand in a file, two lines of base64 each (PKCS #8 and X.509), of which the
 * first signs; mode 0600. Safe for use by many threads.
 */
public final class SigningKeys {
    /** No token is good for longer. */
    public static final Duration LONGEST_TOKEN = Duration.ofDays(365);

    private static final String FILE = "service-account-key";
    private static final String RETIRE = "retire";
    private static final long LOOK_NANOS = Duration.ofSeconds(1).toNanos();

    private final Kernel kernel;
    private final Path file;
    private final KeyRing ring;
    private final AtomicLong lastLook;
    private volatile Known known;

    /** A pair and its name, which tokens carry as {@code kid}. */
    public record Pair(String id, PrivateKey signs, ECPublicKey verifies) {

        private static Pair of(String privateKey, String publicKey) throws GeneralSecurityException {
            Base64.Decoder decoder = Base64.getDecoder();
            KeyFactory factory = KeyFactory.getInstance("EC");
            ECPublicKey verifies =
                    (ECPublicKey) factory.generatePublic(new X509EncodedKeySpec(decoder.decode(publicKey)));
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(verifies.getEncoded());
            return new Pair(
                    Base64.getUrlEncoder().withoutPadding().encodeToString(Arrays.copyOf(digest, 12)),
                    factory.generatePrivate(new PKCS8EncodedKeySpec(decoder.decode(privateKey))),
                    verifies);
        }

        private static Pair fresh(Kernel kernel) throws GeneralSecurityException {
            KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
            generator.initialize(new ECGenParameterSpec("secp256r1"), kernel.secureRandom());
            KeyPair made = generator.generateKeyPair();
            Base64.Encoder encoder = Base64.getEncoder();
            return of(
                    encoder.encodeToString(made.getPrivate().getEncoded()),
                    encoder.encodeToString(made.getPublic().getEncoded()));
        }

        private String lines() {
            Base64.Encoder encoder = Base64.getEncoder();
            return encoder.encodeToString(signs.getEncoded()) + "\n" + encoder.encodeToString(verifies.getEncoded())
                    + "\n";
        }

        private static Pair parse(byte[] lines) throws GeneralSecurityException {
            String[] both = new String(lines, StandardCharsets.US_ASCII).split("\n");
            return of(both[0], both[1]);
        }
    }

    private record Known(long revision, Pair current, Map<String, Pair> all) {}

    public SigningKeys(Kernel kernel, Keyspace keyspace, Path directory) {
        this.kernel = kernel;
        this.file = directory.resolve(FILE);
        this.ring = new KeyRing(keyspace, new KeyWrap(kernel.secureRandom(), directory.resolve("ca.pem")), "signing");
        this.lastLook = new AtomicLong(kernel.clock().nanoTime() - LOOK_NANOS);
        try {
            List<Pair> pairs = load(kernel, file);
            Map<String, Pair> all = new LinkedHashMap<>();
            pairs.forEach(each -> all.put(each.id, each));
            this.known = new Known(0, pairs.getFirst(), all);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("the service account key in " + directory + " cannot be read", e);
        }
    }

    /** Makes the first key in a directory where there is none, such as for all nodes of a cluster before they start. */
    public static void make(Kernel kernel, Path directory) throws IOException {
        try {
            List<Pair> _ = load(kernel, directory.resolve(FILE));
        } catch (GeneralSecurityException e) {
            throw new IOException("the service account key in " + directory + " cannot be made", e);
        }
    }

    private static List<Pair> load(Kernel kernel, Path file) throws IOException, GeneralSecurityException {
        if (!Files.exists(file)) {
            DurableFile.write(file, Pair.fresh(kernel).lines());
        }
        List<String> lines = Files.readAllLines(file);
        if (lines.size() < 2) {
            throw new IOException("the key file " + file + " is cut short; restore it or delete it (tokens then end)");
        }
        List<Pair> pairs = new ArrayList<>();
        for (int i = 0; i + 1 < lines.size(); i += 2) {
            pairs.add(Pair.of(lines.get(i), lines.get(i + 1)));
        }
        return pairs;
    }

    /** The one that signs. */
    public Pair current() {
        return known.current;
    }

    /** The one of that name; null when there is none, or no more. */
    public @Nullable Pair find(String id) {
        Pair found = known.all.get(id);
        if (found == null && mayLook()) {
            // Another node may have a new one already. Anybody may send any name, so this is not done for each.
            refresh();
            found = known.all.get(id);
        }
        return found;
    }

    private boolean mayLook() {
        long now = kernel.clock().nanoTime();
        long last = lastLook.get();
        return now - last >= LOOK_NANOS && lastLook.compareAndSet(last, now);
    }

    /** Takes over what the store knows. */
    public synchronized void refresh() {
        KeyRing.State state = read();
        if (state.revision() <= known.revision()) {
            return;
        }
        try {
            Map<String, Pair> all = new LinkedHashMap<>();
            Pair current = Pair.parse(state.currentKey());
            all.put(current.id, current);
            StringBuilder lines = new StringBuilder(current.lines());
            for (Map.Entry<String, byte[]> each : state.keys().entrySet()) {
                if (!each.getKey().equals(current.id)) {
                    Pair pair = Pair.parse(each.getValue());
                    all.put(pair.id, pair);
                    lines.append(pair.lines());
                }
            }
            if (!Files.readString(file).contentEquals(lines)) {
                DurableFile.write(file, lines.toString());
            }
            known = new Known(state.revision(), current, all);
        } catch (IOException e) {
            throw new UncheckedIOException("the file of signing keys cannot be written", e);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("the signing keys in the store cannot be read", e);
        }
    }

    private KeyRing.State read() {
        try {
            return ring.read();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(
                    "the signing keys cannot be unwrapped: " + e.getMessage()
                            + ": does this node have the certificate authority (pki/ca.pem) of the others?",
                    e);
        }
    }

    /**
     * Makes a new key that signs from now on.
     *
     * @param endOld whether older ones verify no more: all tokens that there are end then
     * @return how it is afterwards
     */
    public ObjectNode rotate(boolean endOld) {
        KeyRing.State state = read();
        Map<String, byte[]> keys = new LinkedHashMap<>();
        ObjectNode notes = state.notes().deepCopy();
        ObjectNode retire = Json.child(notes, RETIRE);
        if (endOld) {
            retire.removeAll();
        } else {
            known.all.forEach((id, pair) -> keys.put(id, pair.lines().getBytes(StandardCharsets.US_ASCII)));
            keys.putAll(state.keys());
            String old = state.revision() == 0 ? known.current.id : state.current();
            retire.put(old, kernel.clock().now().plus(LONGEST_TOKEN).toString());
        }
        try {
            Pair fresh = Pair.fresh(kernel);
            keys.put(fresh.id, fresh.lines().getBytes(StandardCharsets.US_ASCII));
            replace(state, fresh.id, keys, notes);
        } catch (GeneralSecurityException e) {
            throw Statuses.internal("a signing key cannot be made: " + e.getMessage());
        }
        refresh();
        return status();
    }

    private void replace(KeyRing.State before, String current, Map<String, byte[]> keys, ObjectNode notes) {
        try {
            if (!ring.replace(before, current, keys, notes)) {
                throw Statuses.of(409, "Conflict", "the signing keys were changed by another node; try again");
            }
        } catch (GeneralSecurityException e) {
            throw Statuses.internal("the signing keys cannot be wrapped: " + e.getMessage());
        }
    }

    /** Forgets keys whose tokens have all ended; on one node at a time. */
    public void step() {
        KeyRing.State state = read();
        Instant now = kernel.clock().now();
        Map<String, byte[]> keys = new LinkedHashMap<>(state.keys());
        ObjectNode notes = state.notes().deepCopy();
        Json.strings(notes.path(RETIRE)).forEach((id, at) -> {
            if (!now.isBefore(Instant.parse(at)) && !id.equals(state.current())) {
                keys.remove(id);
                Json.child(notes, RETIRE).remove(id);
            }
        });
        if (keys.size() < state.keys().size()) {
            replace(state, state.current(), keys, notes);
            refresh();
        }
    }

    /** Which keys there are, and until when older ones verify. */
    public ObjectNode status() {
        KeyRing.State state = read();
        ObjectNode status = Json.object().put("current", current().id);
        status.set("keys", Json.array(known.all.keySet()));
        status.set(RETIRE, Json.child(state.notes(), RETIRE));
        return status;
    }

    /** All keys that verify, as a JSON Web Key Set (RFC 7517). */
    public ObjectNode keySet() {
        ObjectNode set = Json.object();
        var keys = set.putArray("keys");
        known.all
                .values()
                .forEach(pair -> keys.add(Json.parse(new ECKey.Builder(Curve.P_256, pair.verifies)
                        .keyID(pair.id)
                        .keyUse(KeyUse.SIGNATURE)
                        .algorithm(JWSAlgorithm.ES256)
                        .build()
                        .toJSONString())));
        return set;
    }
}
