package dev.coppice.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class DurableFileTest {
    @TempDir
    private Path folder;

    @Test
    void writesForItsOwnerOnlyAndReplaces() throws IOException {
        Path file = folder.resolve("keys").resolve("token");
        DurableFile.write(file, "one\n");
        DurableFile.write(file, "two\n");
        assertThat(file).hasContent("two\n");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-------");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("keys"))))
                .isEqualTo("rwx------");
    }

    @Test
    void mayBeReadableByOthers() throws IOException {
        Path file = folder.resolve("ca.crt");
        DurableFile.write(file, "public\n", "rw-r--r--");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
                .isEqualTo("rw-r--r--");
    }

    @Test
    void leavesNothingBehindWhenItFails() throws IOException {
        Path taken = Files.createDirectory(folder.resolve("taken"));
        Files.createFile(taken.resolve("something"));
        assertThatThrownBy(() -> DurableFile.write(taken, "x")).isInstanceOf(IOException.class);
        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left).containsExactly(taken);
        }
    }
}
