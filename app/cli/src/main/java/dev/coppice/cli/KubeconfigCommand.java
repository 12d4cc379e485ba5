package dev.coppice.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code coppice kubeconfig}: what kubectl needs to reach the node as its administrator. */
@Command(
        name = "kubeconfig",
        description = "Print a kubeconfig for the node.",
        footer = {"", "Example: coppice kubeconfig > config; kubectl --kubeconfig config get healthchecks -A"})
final class KubeconfigCommand implements Callable<Integer> {
    @Mixin
    private final DataOption data = new DataOption();

    @Override
    public Integer call() throws Exception {
        Path file = Path.of(data.node().path("kubeconfig").asText());
        System.out.print(Files.readString(file));
        return 0;
    }
}
