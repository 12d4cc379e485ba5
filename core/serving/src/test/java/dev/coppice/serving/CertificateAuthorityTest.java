package dev.coppice.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import dev.coppice.serving.CertificateAuthority.ClientCertificates;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CertificateAuthorityTest {
    private final SimulatedClock clock = new SimulatedClock();
    private final Kernel kernel = Kernel.start(clock, 1);

    @TempDir
    Path directory;

    @AfterEach
    void close() {
        kernel.close();
    }

    @Test
    void reopeningGivesTheSameRootAndServerCertificate() throws Exception {
        CertificateAuthority first = CertificateAuthority.open(kernel, directory);
        X509Certificate server = leaf(first);
        CertificateAuthority second = CertificateAuthority.open(kernel, directory);
        assertThat(second.rootPem()).isEqualTo(first.rootPem());
        assertThat(leaf(second)).isEqualTo(server);
        server.verify(second.root().getPublicKey());
        assertThat(server.getSubjectAlternativeNames().toString()).contains("localhost", "127.0.0.1");
    }

    private static X509Certificate leaf(CertificateAuthority authority) {
        return authority
                .server(List.of("localhost", "127.0.0.1"), ClientCertificates.NONE)
                .current()
                .chain()
                .getFirst();
    }

    @Test
    void theRootCertificateForOthersIsWrittenAgainWhenItIsGone() throws Exception {
        CertificateAuthority first = CertificateAuthority.open(kernel, directory);
        Files.delete(directory.resolve("ca.crt"));
        CertificateAuthority second = CertificateAuthority.open(kernel, directory);
        assertThat(second.rootPem()).isEqualTo(first.rootPem());
        assertThat(Files.readString(directory.resolve("ca.crt"))).isEqualTo(first.rootPem());
    }

    @Test
    void whoeverHasItsKeyDerivesTheSameSecretsForAPurpose() throws Exception {
        byte[] secret = CertificateAuthority.open(kernel, directory).derive("one");
        assertThat(secret).hasSize(32);
        assertThat(CertificateAuthority.open(kernel, directory).derive("one")).isEqualTo(secret);
        assertThat(CertificateAuthority.open(kernel, directory).derive("two")).isNotEqualTo(secret);
        assertThat(CertificateAuthority.open(kernel, directory.resolve("other")).derive("one"))
                .isNotEqualTo(secret);
    }

    @Test
    void keysAreForTheirOwnerOnly() throws Exception {
        leaf(CertificateAuthority.open(kernel, directory));
        try (var files = Files.list(directory)) {
            for (Path key : files.filter(f -> f.toString().endsWith(".pem")).toList()) {
                assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(key)))
                        .isEqualTo("rw-------");
            }
        }
    }

    @Test
    void aServerCertificateRenewsItselfBeforeItEnds() throws Exception {
        CertificateAuthority authority = CertificateAuthority.open(kernel, directory);
        TlsSource source = authority.server(List.of("localhost"), ClientCertificates.OPTIONAL);
        long generation = source.generation();
        X509Certificate before = source.current().chain().getFirst();
        clock.advance(Duration.ofDays(300));
        assertThat(source.generation()).isEqualTo(generation);
        clock.advance(Duration.ofDays(50));
        assertThat(source.generation()).isEqualTo(generation + 1);
        X509Certificate after = source.current().chain().getFirst();
        assertThat(after).isNotEqualTo(before);
        assertThat(after.getNotAfter()).isAfter(before.getNotAfter());
    }

    @Test
    void aClientCertificateNamesItsUserAndGroups() throws Exception {
        CertificateAuthority authority = CertificateAuthority.open(kernel, directory);
        var pair = authority.client("admin", List.of("system:masters", "ops"), Duration.ofDays(1));
        X509Certificate certificate = Pem.certificates(pair.certificatePem()).getFirst();
        certificate.verify(authority.root().getPublicKey());
        assertThat(certificate.getSubjectX500Principal().getName()).contains("CN=admin", "O=system:masters", "O=ops");
        assertThat(Pem.privateKey(pair.keyPem()).getAlgorithm()).isEqualTo("EC");
    }

    @Test
    void damagedFilesAreExplained() throws Exception {
        CertificateAuthority.open(kernel, directory);
        Path file = directory.resolve("ca.pem");
        String whole = Files.readString(file);
        Files.writeString(file, whole.substring(0, 60));
        assertThatThrownBy(() -> CertificateAuthority.open(kernel, directory)).hasMessageContaining("is damaged");
        String other = CertificateAuthority.open(kernel, directory.resolve("other"))
                .client("x", List.of(), Duration.ofDays(1))
                .keyPem();
        Files.writeString(file, other + whole.substring(whole.indexOf("-----BEGIN CERTIFICATE")));
        CertificateAuthority mixed = CertificateAuthority.open(kernel, directory);
        assertThatThrownBy(() -> mixed.client("x", List.of(), Duration.ofDays(1)))
                .hasMessageContaining("do not belong together");
    }

    @Test
    void aServerCertificateOfAnotherRootIsReplaced() throws Exception {
        X509Certificate before = leaf(CertificateAuthority.open(kernel, directory));
        Files.delete(directory.resolve("ca.pem"));
        CertificateAuthority second = CertificateAuthority.open(kernel, directory);
        X509Certificate after = leaf(second);
        assertThat(after).isNotEqualTo(before);
        after.verify(second.root().getPublicKey());
        assertThat(Pem.certificates(Files.readString(directory.resolve("ca.crt"))))
                .containsExactly(second.root());
    }
}
