package dev.coppice.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SimulatedClock;
import dev.coppice.serving.CertificateAuthority.ClientCertificates;
import dev.coppice.serving.CertificateAuthority.KeyPairPem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TlsFilesTest {
    private final Kernel kernel = Kernel.start(new SimulatedClock(), 1);

    @TempDir
    Path folder;

    private CertificateAuthority own;
    private CertificateAuthority users;
    private Path certificate;
    private Path key;
    private long writes;

    @BeforeEach
    void open() throws IOException {
        own = CertificateAuthority.open(kernel, folder.resolve("own"));
        users = CertificateAuthority.open(kernel, folder.resolve("users"));
        certificate = folder.resolve("server.crt");
        key = folder.resolve("server.key");
    }

    @AfterEach
    void close() {
        kernel.close();
    }

    private KeyPairPem pair(String name) {
        return users.client(name, List.of(), Duration.ofDays(1));
    }

    /** Each time at another time, however coarse the clock of the file system is. */
    private void write(Path file, String text) throws IOException {
        Files.writeString(file, text);
        Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000 + ++writes * 1_000));
    }

    private TlsFiles files(Path authority, boolean required) throws IOException {
        return new TlsFiles(
                new TlsFiles.Files(certificate, key, authority, required),
                own.server(List.of("localhost"), ClientCertificates.OPTIONAL));
    }

    private static String name(TlsSource source) {
        return source.current().chain().getFirst().getSubjectX500Principal().getName();
    }

    @Test
    void filesThatChangeAreReadAgain() throws Exception {
        KeyPairPem first = pair("first");
        write(certificate, first.certificatePem());
        write(key, first.keyPem());
        TlsFiles source = files(null, false);
        long generation = source.generation();
        assertThat(name(source)).contains("CN=first");
        assertThat(source.generation()).isEqualTo(generation);

        KeyPairPem second = pair("second");
        write(certificate, second.certificatePem());
        assertThat(source.generation()).as("the key is still that of the first").isEqualTo(generation);
        assertThat(name(source)).contains("CN=first");
        write(key, second.keyPem());
        assertThat(source.generation()).isGreaterThan(generation);
        assertThat(name(source)).contains("CN=second");
    }

    @Test
    void filesThatAreGoneOrDamagedLeaveWhatWasThereBefore() throws Exception {
        KeyPairPem first = pair("first");
        write(certificate, first.certificatePem());
        write(key, first.keyPem());
        TlsFiles source = files(null, false);
        long generation = source.generation();
        Files.delete(certificate);
        assertThat(source.generation()).isEqualTo(generation);
        write(certificate, "nothing");
        assertThat(source.generation()).isEqualTo(generation);
        assertThat(name(source)).contains("CN=first");
    }

    @Test
    void bothAuthoritiesMaySignClients() throws Exception {
        KeyPairPem first = pair("first");
        write(certificate, first.certificatePem());
        write(key, first.keyPem());
        Path authority = folder.resolve("ca.pem");
        write(authority, users.rootPem());
        TlsSource.Material material = files(authority, true).current();
        assertThat(material.clientAuthorities()).containsExactlyInAnyOrder(own.root(), users.root());
        assertThat(material.requireClient()).isTrue();
    }

    @Test
    void whatIsNotGivenIsTheOthers() throws Exception {
        Path authority = folder.resolve("ca.pem");
        write(authority, users.rootPem());
        TlsSource server = own.server(List.of("localhost"), ClientCertificates.OPTIONAL);
        TlsFiles source = new TlsFiles(new TlsFiles.Files(null, null, authority, false), server);
        assertThat(source.current().chain()).isEqualTo(server.current().chain());
        assertThat(source.current().requireClient()).isFalse();
    }

    @Test
    void errorsNameTheFile() throws Exception {
        assertThatThrownBy(() -> files(null, false)).hasMessageContaining(certificate.toString());
        write(certificate, pair("first").certificatePem());
        write(key, pair("second").keyPem());
        assertThatThrownBy(() -> files(null, false))
                .hasMessageContaining(key.toString())
                .hasMessageContaining(certificate.toString());
        write(key, "nothing");
        assertThatThrownBy(() -> files(null, false))
                .hasMessageContaining(key.toString())
                .hasMessageContaining("openssl pkcs8");
    }
}
