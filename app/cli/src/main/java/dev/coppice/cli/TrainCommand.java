package dev.coppice.cli;

import dev.coppice.server.Server;
import dev.coppice.server.ServerOptions;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code coppice train}: a start and stop, for the launcher, from which the JVM learns what a start needs (JEP 514). */
@Command(name = "train", hidden = true)
final class TrainCommand implements Callable<Integer> {
    @Mixin
    private final DataOption data = new DataOption();

    @Override
    public Integer call() throws Exception {
        ServerOptions options =
                new ServerOptions(data.path(), ServerOptions.DEFAULT_LISTEN, 0, 0, 0, 0, "train", false);
        // The second start goes the way that later ones go: with data there.
        for (int i = 0; i < 2; i++) {
            Server server = Server.start(options, message -> {});
            server.warmUp();
            server.close();
        }
        return 0;
    }
}
