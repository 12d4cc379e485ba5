package dev.coppice.cli;

import dev.coppice.server.DataRestoration;
import dev.coppice.server.StartupException;
import dev.coppice.store.engine.StateLoader;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code coppice restore}: fills the data directory of a node that does not run. */
@Command(
        name = "restore",
        description = "Fill a data directory from a backup, or from a snapshot of etcd 3.4 to 3.6.",
        footer = {
            "",
            "The node must not run. Copy pki/ of the node that made the backup into the directory first: Secrets are",
            "encrypted with a key that is there. Example: coppice restore monday.db --data /var/lib/coppice"
        })
final class RestoreCommand implements Callable<Integer> {
    @Mixin
    private final DataOption data = new DataOption();

    @Parameters(paramLabel = "FILE", description = "What `coppice backup` or `etcdctl snapshot save` wrote.")
    private Path file = Path.of("");

    @Option(
            names = "--force",
            description = "Restore into a directory that has something: its store is set aside, the rest is kept.")
    private boolean force;

    @Option(
            names = "--skip-hash-check",
            description = "Take a file without a checksum, such as member/snap/db of an etcd member that is stopped.")
    private boolean withoutChecksum;

    @Override
    public Integer call() throws Exception {
        ProgressLine progress = new ProgressLine();
        try {
            DataRestoration.Restored restored =
                    DataRestoration.run(file, data.path(), force, withoutChecksum, progress::show);
            progress.end();
            for (StateLoader.Loaded each : restored.keyspaces()) {
                System.out.println("restored " + each.keyspace() + ": " + each.keys() + " keys, " + each.changes()
                        + " changes, up to revision " + each.revision());
            }
            restored.setAside().forEach(aside -> System.out.println("the store that was there is now " + aside));
            if (restored.keysMissing()) {
                System.out.println("Secrets stay encrypted until " + data.path().resolve("pki")
                        + " is that of the node that made the backup: copy it there before `coppice up`");
            }
            return 0;
        } catch (StartupException e) {
            progress.end();
            e.errors().forEach(problem -> System.err.println("coppice: " + problem));
            return 1;
        }
    }
}
