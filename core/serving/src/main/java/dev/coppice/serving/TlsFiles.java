package dev.coppice.serving;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Certificates of a listener from PEM files that the user keeps, looked at again with every connection, so that they can be
 * exchanged while it runs. What no file is given for comes from another source. Files that cannot be used, or a certificate
 * and a key that do not belong together, as while they are being replaced, leave what was there before. Safe for use by many
 * threads.
 */
public final class TlsFiles implements TlsSource {
    private static final System.Logger LOG = System.getLogger(TlsFiles.class.getName());

    /**
     * Where they are.
     *
     * @param certificate the server's, with those between it and its authority; null, as the key, for the other source's
     * @param key its key, PKCS #8
     * @param clientAuthority who may sign client certificates beside the other source's authority; null for nobody
     * @param requireClient whether a client without a certificate is refused
     */
    public record Files(
            @Nullable Path certificate,
            @Nullable Path key,
            @Nullable Path clientAuthority,
            boolean requireClient) {}

    /** What of a file tells that it is another one. */
    private record Stamp(FileTime changed, long size) {}

    private record Loaded(
            @Nullable PrivateKey key, List<X509Certificate> chain, List<X509Certificate> clientAuthorities) {}

    /** The other source where files are given for everything. */
    static final TlsSource NOTHING = new TlsSource() {
        @Override
        public Material current() {
            throw new IllegalStateException("files are given for everything");
        }

        @Override
        public long generation() {
            return 0;
        }
    };

    private final Files files;
    private final TlsSource other;
    private List<Stamp> tried;
    private Loaded loaded;
    private long changes;

    /** @throws IOException when a file cannot be used */
    public TlsFiles(Files files, TlsSource other) throws IOException {
        this.files = files;
        this.other = other;
        this.tried = stamps();
        this.loaded = load();
    }

    private List<Stamp> stamps() throws IOException {
        List<Stamp> stamps = new ArrayList<>();
        for (Path file : new Path[] {files.certificate(), files.key(), files.clientAuthority()}) {
            if (file != null) {
                try {
                    stamps.add(
                            new Stamp(java.nio.file.Files.getLastModifiedTime(file), java.nio.file.Files.size(file)));
                } catch (IOException e) {
                    throw new IOException(file + " cannot be read (" + e + "): expected a PEM file", e);
                }
            }
        }
        return stamps;
    }

    private Loaded load() throws IOException {
        Path certificate = files.certificate();
        Path key = files.key();
        List<X509Certificate> chain = certificate == null ? List.of() : certificates(certificate);
        PrivateKey own = key == null ? null : key(key);
        if (own != null && !chain.isEmpty() && !belongTogether(own, chain.getFirst())) {
            throw new IOException("the key " + key + " is not that of the certificate " + certificate
                    + ": expected the two to belong together, the server's certificate as the first of its file");
        }
        Path authority = files.clientAuthority();
        return new Loaded(own, chain, authority == null ? List.of() : certificates(authority));
    }

    private static String text(Path file) throws IOException {
        return new String(java.nio.file.Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    }

    private static List<X509Certificate> certificates(Path file) throws IOException {
        try {
            String text = text(file);
            return Pem.certificates(text.substring(Math.max(0, text.indexOf("-----BEGIN CERTIFICATE"))));
        } catch (GeneralSecurityException e) {
            throw new IOException("the certificates of " + file + " cannot be read: " + e.getMessage(), e);
        }
    }

    private static PrivateKey key(Path file) throws IOException {
        try {
            return Pem.privateKey(text(file));
        } catch (GeneralSecurityException | IllegalArgumentException e) {
            throw new IOException(
                    "the key " + file + " cannot be read: " + e.getMessage()
                            + ": expected PEM, as openssl pkcs8 -topk8 -nocrypt makes it",
                    e);
        }
    }

    /** Whether a certificate is that of a key. */
    static boolean belongTogether(PrivateKey key, X509Certificate certificate) {
        byte[] sample = "coppice".getBytes(StandardCharsets.US_ASCII);
        try {
            Signature signature =
                    Signature.getInstance(key.getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA");
            signature.initSign(key);
            signature.update(sample);
            byte[] signed = signature.sign();
            signature.initVerify(certificate.getPublicKey());
            signature.update(sample);
            return signature.verify(signed);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    @Override
    public synchronized Material current() {
        PrivateKey key = loaded.key();
        if (other == NOTHING && key != null) {
            return new Material(key, loaded.chain(), loaded.clientAuthorities(), files.requireClient());
        }
        Material base = other.current();
        return new Material(
                key == null ? base.key() : key,
                key == null ? base.chain() : loaded.chain(),
                Stream.concat(base.clientAuthorities().stream(), loaded.clientAuthorities().stream())
                        .toList(),
                base.requireClient() || files.requireClient());
    }

    @Override
    public synchronized long generation() {
        List<Stamp> now;
        try {
            now = stamps();
        } catch (IOException e) {
            return other.generation() + changes; // being replaced
        }
        if (!now.equals(tried)) {
            tried = now;
            try {
                loaded = load();
                changes++;
                LOG.log(System.Logger.Level.INFO, "certificates were read again: {0}", files);
            } catch (IOException e) {
                LOG.log(System.Logger.Level.WARNING, "the certificates that were there before are kept", e);
            }
        }
        return other.generation() + changes;
    }
}
