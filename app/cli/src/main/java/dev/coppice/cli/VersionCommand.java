package dev.coppice.cli;

import dev.coppice.server.Version;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/** {@code coppice version}: what this is, and what it runs on. */
@Command(name = "version", description = "Print the version.")
final class VersionCommand implements Callable<Integer> {

    @Override
    public Integer call() {
        System.out.println("coppice " + Version.CURRENT + " (Java " + Runtime.version() + ")");
        return 0;
    }
}
