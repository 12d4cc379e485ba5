package dev.coppice.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code coppice backup}: a consistent copy of everything that a running node stores. */
@Command(
        name = "backup",
        description = "Write a backup of everything that the running node stores.",
        footer = {
            "",
            "Secrets in it are encrypted; the key is in pki/ of the data directory: keep a copy of that, too, elsewhere.",
            "The keys of the etcd port lie in it as in etcd's own snapshots: etcdctl snapshot restore takes it.",
            "Example: coppice backup monday.db"
        })
final class BackupCommand implements Callable<Integer> {
    @Mixin
    private final DataOption data = new DataOption();

    @Parameters(paramLabel = "FILE", description = "Where to write it.")
    private Path file = Path.of("");

    @Option(names = "--force", description = "Write over a file that exists.")
    private boolean force;

    @Override
    public Integer call() throws Exception {
        if (Files.exists(file) && !force) {
            throw new IOException(file + " exists: give another name, or --force to write over it");
        }
        ProgressLine progress = new ProgressLine();
        try (ApiConnection api = ApiConnection.open(data.node())) {
            long bytes = api.download(
                    "/coppice/backup", file.toAbsolutePath(), (read, of) -> progress.show("writing " + file, read, of));
            progress.end();
            System.out.println("wrote " + file + ", " + ProgressLine.size(bytes));
            return 0;
        }
    }
}
