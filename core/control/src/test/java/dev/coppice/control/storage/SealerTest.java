package dev.coppice.control.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Kernel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SealerTest {
    @TempDir
    Path directory;

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void sealsAndOpensAndSurvivesAReopening() throws Exception {
        try (Kernel kernel = Kernel.start()) {
            byte[] sealed = Sealer.open(kernel, directory).seal("/k", bytes("secret words"));
            assertThat(new String(sealed, StandardCharsets.ISO_8859_1))
                    .startsWith("coppice:aesgcm:v1:key1:")
                    .doesNotContain("secret");
            assertThat(Sealer.open(kernel, directory).open("/k", sealed)).isEqualTo(bytes("secret words"));
            assertThat(PosixFilePermissions.toString(
                            Files.getPosixFilePermissions(directory.resolve("encryption-keys"))))
                    .isEqualTo("rw-------");
        }
    }

    @Test
    void bindsTheValueToItsKeyAndNoticesChanges() {
        try (Kernel kernel = Kernel.start()) {
            Sealer sealer = Sealer.open(kernel, directory);
            byte[] sealed = sealer.seal("/a", bytes("x"));
            assertThatThrownBy(() -> sealer.open("/b", sealed)).isInstanceOf(IllegalStateException.class);
            sealed[sealed.length - 1] ^= 1;
            assertThatThrownBy(() -> sealer.open("/a", sealed)).isInstanceOf(IllegalStateException.class);
        }
    }

    @Test
    void opensWithAnOlderKeyAfterARotation() throws Exception {
        try (Kernel kernel = Kernel.start()) {
            byte[] sealed = Sealer.open(kernel, directory).seal("/a", bytes("x"));
            Path file = directory.resolve("encryption-keys");
            byte[] key = new byte[32];
            key[0] = 7;
            Files.writeString(file, "key2 " + Base64.getEncoder().encodeToString(key) + "\n" + Files.readString(file));
            Sealer rotated = Sealer.open(kernel, directory);
            assertThat(rotated.open("/a", sealed)).isEqualTo(bytes("x"));
            assertThat(new String(rotated.seal("/a", bytes("y")), StandardCharsets.ISO_8859_1))
                    .startsWith("coppice:aesgcm:v1:key2:");
        }
    }
}
