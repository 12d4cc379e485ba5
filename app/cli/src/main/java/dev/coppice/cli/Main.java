package dev.coppice.cli;

import dev.coppice.server.Logging;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line, {@code coppice}. */
@Command(
        name = "coppice",
        description = "A platform control plane in one process.",
        subcommands = {
            UpCommand.class,
            StatusCommand.class,
            KubeconfigCommand.class,
            ImportCommand.class,
            VersionCommand.class,
            TrainCommand.class,
            CommandLine.HelpCommand.class
        },
        footer = {
            "",
            "In a clone of the repository also: coppice test (all tests), coppice package (a tarball and a .deb)."
        },
        synopsisSubcommandLabel = "COMMAND")
public final class Main {
    private Main() {}

    public static void main(String[] arguments) {
        Logging.configure();
        CommandLine commandLine = new CommandLine(new Main())
                .setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionExceptionHandler((e, command, parsed) -> {
                    command.getErr().println("coppice: " + message(e));
                    return 1;
                });
        int status = arguments.length == 0 ? usage(commandLine) : commandLine.execute(arguments);
        System.out.flush();
        // A listener's library may leave a thread behind; the exit status has been decided.
        System.exit(status);
    }

    private static int usage(CommandLine commandLine) {
        commandLine.usage(System.err);
        return 2;
    }

    private static String message(Throwable e) {
        String message = e.getMessage();
        return message == null ? e.getClass().getSimpleName() : message;
    }
}
