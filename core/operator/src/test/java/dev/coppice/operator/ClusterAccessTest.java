package dev.coppice.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClusterAccessTest {
    @TempDir
    Path directory;

    private Path file() throws Exception {
        Path file = directory.resolve("config");
        Files.writeString(file, ServedCluster.kubeconfig("https://10.1.2.3:6443/", "", "secret"));
        return file;
    }

    @Test
    void readsTheCurrentContext() throws Exception {
        ClusterAccess access = ClusterAccess.find(file(), null, Map.of());
        assertThat(access.server()).isEqualTo("https://10.1.2.3:6443");
        assertThat(access.namespace()).isEqualTo("team");
        assertThat(access.origin()).contains("context \"here\" of", "config");
    }

    @Test
    void takesTheFirstFileOfTheEnvironmentThatIsThere() throws Exception {
        String paths = directory.resolve("missing") + ":" + file();
        assertThat(ClusterAccess.find(null, null, Map.of("KUBECONFIG", paths)).server())
                .isEqualTo("https://10.1.2.3:6443");
    }

    @Test
    void saysWhereItLooked() {
        assertThatThrownBy(() -> ClusterAccess.find(null, null, Map.of("KUBECONFIG", "/nowhere/config")))
                .isInstanceOf(InvalidKubeconfigException.class)
                .hasMessageContainingAll("no kubeconfig found", "$KUBECONFIG (/nowhere/config)", "--kubeconfig FILE");
        assertThatThrownBy(() -> ClusterAccess.find(directory.resolve("absent"), null, Map.of()))
                .hasMessageContainingAll("--kubeconfig", "absent", "there is no such file");
    }

    @Test
    void saysWhatContextsThereAre() throws Exception {
        Path file = file();
        assertThatThrownBy(() -> ClusterAccess.find(file, "there", Map.of()))
                .hasMessageContainingAll("--context \"there\"", "\"here\", \"broken\"");
    }

    @Test
    void reportsAllThatIsWrongTogether() throws Exception {
        Path file = file();
        assertThatThrownBy(() -> ClusterAccess.find(file, "broken", Map.of()))
                .isInstanceOfSatisfying(
                        InvalidKubeconfigException.class,
                        e -> assertThat(e.problems())
                                .hasSize(2)
                                .anySatisfy(each -> assertThat(each).contains("cluster \"gone\""))
                                .anySatisfy(each -> assertThat(each).contains("user \"nobody\"")));
    }
}
