package dev.coppice.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.access.BearerTokens;
import dev.coppice.control.keys.SigningKeys;
import dev.coppice.control.storage.Sealer;
import dev.coppice.kernel.DurableFile;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.CertificateAuthority;
import dev.coppice.serving.PeerTls;
import dev.coppice.serving.Pem;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.X509Certificate;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What all nodes of a cluster share: the certificate authority, the keys that seal secrets and sign service account tokens,
 * the administrator's token. Files below the data directory, mode 0600.
 */
public final class ClusterKeys {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> FILES =
            List.of("pki/ca.pem", "pki/encryption-keys", "pki/service-account-key", "token");

    private ClusterKeys() {}

    /** Makes new keys and writes them to one file, for nodes that begin a cluster together. */
    public static void make(Path file) throws IOException {
        if (Files.exists(file)) {
            throw new IOException(file + " is there already: keys are made once; give another name, or remove it");
        }
        Path directory = Files.createTempDirectory("coppice-keys");
        try (Kernel kernel = Kernel.start()) {
            Path pki = Files.createDirectory(directory.resolve("pki"));
            var _ = CertificateAuthority.open(kernel, pki);
            var _ = Sealer.open(kernel, pki);
            SigningKeys.make(kernel, pki);
            String _ = BearerTokens.fromFile(kernel, directory.resolve("token"));
            ObjectNode all = JSON.createObjectNode();
            all.put(
                    "cluster",
                    HexFormat.of().toHexDigits(kernel.secureRandom().nextLong() & Long.MAX_VALUE | 1L << 62));
            ObjectNode files = all.putObject("files");
            read(directory).forEach((name, text) -> files.put(name, new String(text, StandardCharsets.UTF_8)));
            DurableFile.write(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(all) + "\n");
        } finally {
            delete(directory);
        }
    }

    private static void delete(Path directory) throws IOException {
        try (Stream<Path> found = Files.walk(directory)) {
            for (Path each : found.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(each);
            }
        }
    }

    /** The keys of a node, by name below its data directory. */
    static Map<String, byte[]> read(Path data) throws IOException {
        Map<String, byte[]> found = new LinkedHashMap<>();
        for (String name : FILES) {
            found.put(name, Files.readAllBytes(data.resolve(name)));
        }
        return found;
    }

    /** Puts keys below a data directory that has none; takes no other names than those of keys. */
    static void write(Path data, Map<String, byte[]> keys) throws IOException {
        if (!keys.keySet().equals(java.util.Set.copyOf(FILES))) {
            throw new IOException("these are not the keys of a cluster: expected " + FILES);
        }
        Files.createDirectories(data.resolve("pki"));
        // The authority last: a directory that has it has everything.
        for (String name : FILES.reversed()) {
            DurableFile.write(data.resolve(name), new String(keys.get(name), StandardCharsets.UTF_8));
        }
    }

    /** That the authority among keys is the one that a join token names, whoever sent them. */
    static void checkAuthority(Map<String, com.google.protobuf.ByteString> keys, byte[] fingerprint)
            throws IOException {
        com.google.protobuf.ByteString pem = keys.get(FILES.getFirst());
        try {
            String text = pem == null ? "" : pem.toStringUtf8();
            List<X509Certificate> found =
                    Pem.certificates(text.substring(Math.max(0, text.indexOf("-----BEGIN CERTIFICATE"))));
            if (found.isEmpty() || !MessageDigest.isEqual(PeerTls.fingerprint(found.getFirst()), fingerprint)) {
                throw new IOException("--join-token: the node that answers has another certificate authority than the"
                        + " one the token names: is the token from this cluster?");
            }
        } catch (GeneralSecurityException e) {
            throw new IOException("--join: the keys that came cannot be read: " + e.getMessage(), e);
        }
    }

    static boolean present(Path data) {
        return Files.exists(data.resolve(FILES.getFirst()));
    }

    /** The cluster that a key file was made for, and its keys. */
    record Shared(long cluster, Map<String, byte[]> keys) {}

    static Shared load(Path file) throws IOException {
        try {
            JsonNode all = JSON.readTree(Files.readString(file));
            Map<String, byte[]> keys = new LinkedHashMap<>();
            all.path("files")
                    .properties()
                    .forEach(each ->
                            keys.put(each.getKey(), each.getValue().asText().getBytes(StandardCharsets.UTF_8)));
            return new Shared(HexFormat.fromHexDigitsToLong(all.path("cluster").asText()), keys);
        } catch (IllegalArgumentException | com.fasterxml.jackson.core.JsonProcessingException e) {
            throw new IOException(
                    "--cluster-keys: " + file + " is no key file: expected one made by `coppice cluster keys`", e);
        } catch (java.nio.file.NoSuchFileException e) {
            throw new IOException(
                    "--cluster-keys: there is no file " + file
                            + ": make it once with `coppice cluster keys FILE` and copy it to every node",
                    e);
        }
    }
}
