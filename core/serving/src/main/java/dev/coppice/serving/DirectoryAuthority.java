package dev.coppice.serving;

import dev.coppice.kernel.DurableFile;
import dev.coppice.kernel.Kernel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * A {@link CertificateAuthority} in a directory: {@code ca.pem} and a {@code server-HASH.pem} or {@code peer-HASH.pem} for each set of names hold a
 * key with its certificates; {@code ca.crt} is the root certificate alone, for others to read. Files are replaced
 * atomically. Opening one that exists does no cryptography: that would slow the start.
 */
final class DirectoryAuthority implements CertificateAuthority {
    private static final Duration ROOT_VALIDITY = Duration.ofDays(3_650);
    private static final Duration SERVER_VALIDITY = Duration.ofDays(365);
    private static final Duration RENEW_BEFORE_END = Duration.ofDays(30);
    private static final String AUTHORITY_KEY = "2.5.29.35";
    private static final String SUBJECT_KEY = "2.5.29.14";
    private static final String ROOT_FILE = "ca.crt";
    private static final String SERVERS = "Coppice";
    private static final String HMAC = "HmacSHA256";
    private static final Duration RETRY = Duration.ofMinutes(1);

    private final Kernel kernel;
    private final Path directory;
    private final Pair root;

    private record Pair(PrivateKey key, X509Certificate certificate) {}

    private DirectoryAuthority(Kernel kernel, Path directory, Pair root) {
        this.kernel = kernel;
        this.directory = directory;
        this.root = root;
    }

    static CertificateAuthority open(Kernel kernel, Path directory) throws IOException {
        Files.createDirectories(
                directory, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        try {
            Optional<Pair> existing = read(directory, "ca");
            if (existing.isPresent()) {
                if (!Files.exists(directory.resolve(ROOT_FILE))) {
                    writeRoot(directory, existing.get().certificate());
                }
                return new DirectoryAuthority(kernel, directory, existing.get());
            }
            CertificateMaker.Made made = new CertificateMaker(
                            kernel.secureRandom(), kernel.clock().now())
                    .root(
                            "Coppice node authority "
                                    + HexFormat.of()
                                            .toHexDigits(kernel.secureRandom().nextInt()),
                            ROOT_VALIDITY);
            Pair root = new Pair(made.key(), made.certificate());
            write(directory, "ca", root, List.of(root.certificate()));
            writeRoot(directory, root.certificate());
            return new DirectoryAuthority(kernel, directory, root);
        } catch (GeneralSecurityException e) {
            throw new IOException("the certificate authority in " + directory + " cannot be made: " + e, e);
        }
    }

    @Override
    public String rootPem() {
        return Pem.encode(root.certificate());
    }

    @Override
    public X509Certificate root() {
        return root.certificate();
    }

    @Override
    public TlsSource server(List<String> names, ClientCertificates clients) {
        return new RenewingSource("server", SERVERS, List.copyOf(new TreeSet<>(names)), clients);
    }

    @Override
    public TlsSource peer(List<String> names) {
        return new RenewingSource("peer", PEERS, List.copyOf(new TreeSet<>(names)), ClientCertificates.OPTIONAL);
    }

    @Override
    public KeyPairPem client(String commonName, List<String> organizations, Duration validity) {
        try {
            CertificateMaker.Made made = maker().client(issuer(), commonName, organizations, withinRoot(validity));
            return new KeyPairPem(Pem.encode(made.certificate()), Pem.encode(made.key()));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(
                    "the client certificate of " + commonName + " cannot be made: " + e.getMessage(), e);
        }
    }

    @Override
    public byte[] derive(String purpose) {
        try {
            Mac mac = Mac.getInstance(HMAC);
            mac.init(new SecretKeySpec(root.key().getEncoded(), HMAC));
            return mac.doFinal(purpose.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private CertificateMaker maker() {
        return new CertificateMaker(kernel.secureRandom(), kernel.clock().now());
    }

    private CertificateMaker.Issuer issuer() throws GeneralSecurityException {
        requireMatch(directory, root);
        return new CertificateMaker.Issuer(root.key(), root.certificate());
    }

    /** Nothing that the root signs outlives it. */
    private Duration withinRoot(Duration wanted) {
        Duration left = Duration.between(
                kernel.clock().now(), root.certificate().getNotAfter().toInstant());
        return wanted.compareTo(left) < 0 ? wanted : left;
    }

    /** Whether a name is an IP address: IPv4 in dotted form, or IPv6. */
    static boolean isAddress(String name) {
        return name.indexOf(':') >= 0 || name.matches("\\d{1,3}(\\.\\d{1,3}){3}");
    }

    /** Certificates of one sort and one set of names; renewed when asked for its generation close to its end. */
    private final class RenewingSource implements TlsSource {
        private final String sort;
        private final String organization;
        private final List<String> names;
        private final ClientCertificates clients;
        private Material material;
        private long generation = 1;
        private Instant renewAt;

        RenewingSource(String sort, String organization, List<String> names, ClientCertificates clients) {
            this.sort = sort;
            this.organization = organization;
            this.names = names;
            this.clients = clients;
            try {
                Pair pair = load();
                this.material = material(pair);
                this.renewAt = renewal(pair);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (GeneralSecurityException e) {
                throw new IllegalStateException(
                        "the server certificate for " + names + " cannot be made: " + e.getMessage(), e);
            }
        }

        @Override
        public synchronized Material current() {
            return material;
        }

        @Override
        public synchronized long generation() {
            Instant now = kernel.clock().now();
            if (now.isAfter(renewAt)) {
                try {
                    Pair pair = load();
                    material = material(pair);
                    renewAt = renewal(pair);
                    generation++;
                } catch (IOException | GeneralSecurityException e) {
                    renewAt = now.plus(RETRY);
                    System.getLogger(DirectoryAuthority.class.getName())
                            .log(
                                    System.Logger.Level.WARNING,
                                    "the server certificate for " + names + " cannot be renewed; trying again in "
                                            + RETRY,
                                    e);
                }
            }
            return generation;
        }

        private Instant renewal(Pair pair) {
            return pair.certificate().getNotAfter().toInstant().minus(RENEW_BEFORE_END);
        }

        private Material material(Pair pair) {
            return new Material(
                    pair.key(),
                    List.of(pair.certificate(), root.certificate()),
                    clients == ClientCertificates.NONE ? List.of() : List.of(root.certificate()),
                    clients == ClientCertificates.REQUIRED);
        }

        /** The one in the directory, or a new one when there is none or its end is near. */
        private Pair load() throws IOException, GeneralSecurityException {
            String file = sort + "-" + hash(names);
            Optional<Pair> existing = read(directory, file);
            if (existing.isPresent() && usable(existing.get())) {
                return existing.get();
            }
            CertificateMaker.Made made = maker().server(issuer(), organization, names, withinRoot(SERVER_VALIDITY));
            Pair pair = new Pair(made.key(), made.certificate());
            write(directory, file, pair, List.of(pair.certificate(), root.certificate()));
            return pair;
        }

        private boolean usable(Pair pair) {
            // The key identifier tells whether this root signed it.
            byte[] signer = pair.certificate().getExtensionValue(AUTHORITY_KEY);
            byte[] own = root.certificate().getExtensionValue(SUBJECT_KEY);
            boolean signedByThis = signer != null && own != null && endsWith(signer, identifier(own));
            return signedByThis && kernel.clock().now().isBefore(renewal(pair));
        }
    }

    /** An extension's value is an octet string in an octet string; the identifier itself has 20 bytes. */
    private static byte[] identifier(byte[] extension) {
        return Arrays.copyOfRange(extension, Math.max(0, extension.length - 20), extension.length);
    }

    private static boolean endsWith(byte[] bytes, byte[] end) {
        return bytes.length >= end.length
                && Arrays.equals(bytes, bytes.length - end.length, bytes.length, end, 0, end.length);
    }

    private static String hash(List<String> names) throws GeneralSecurityException {
        byte[] digest = MessageDigest.getInstance("SHA-256")
                .digest(String.join("\n", names).getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().formatHex(digest, 0, 6);
    }

    private static Optional<Pair> read(Path directory, String name) throws IOException {
        Path file = directory.resolve(name + ".pem");
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        try {
            String text = Files.readString(file, StandardCharsets.US_ASCII);
            return Optional.of(new Pair(
                    Pem.privateKey(text),
                    Pem.certificates(text.substring(Math.max(0, text.indexOf("-----BEGIN CERTIFICATE"))))
                            .getFirst()));
        } catch (GeneralSecurityException | IllegalArgumentException | CharacterCodingException e) {
            throw new IOException(
                    file + " is damaged (" + e.getMessage() + "); restore it, or remove it to have it made anew", e);
        }
    }

    private static void requireMatch(Path directory, Pair pair) throws GeneralSecurityException {
        if (!TlsFiles.belongTogether(pair.key(), pair.certificate())) {
            throw new GeneralSecurityException("the key and the certificate in " + directory.resolve("ca.pem")
                    + " do not belong together; restore the file, or remove it to have it made anew");
        }
    }

    private static void write(Path directory, String name, Pair pair, List<X509Certificate> chain) throws IOException {
        DurableFile.write(directory.resolve(name + ".pem"), Pem.encode(pair.key()) + Pem.encode(chain));
    }

    private static void writeRoot(Path directory, X509Certificate root) throws IOException {
        DurableFile.write(directory.resolve(ROOT_FILE), Pem.encode(root), "rw-r--r--");
    }
}
