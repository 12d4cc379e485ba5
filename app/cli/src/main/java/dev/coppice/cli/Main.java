package dev.coppice.cli;

import dev.coppice.server.Logging;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The command line, {@code coppice}. */
@Command(
        name = "coppice",
        description = "A platform control plane in one process.",
        subcommands = {
            UpCommand.class,
            StatusCommand.class,
            TopCommand.class,
            PlanCommand.class,
            HistoryCommand.class,
            ChangesCommand.class,
            WhyCommand.class,
            GetCommand.class,
            UndoCommand.class,
            ClusterCommand.class,
            GatewayCommand.class,
            OperatorCommand.class,
            LockCommand.class,
            ElectCommand.class,
            KubeconfigCommand.class,
            KeysCommand.class,
            ImportCommand.class,
            BackupCommand.class,
            RestoreCommand.class,
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
                .setParameterExceptionHandler(Main::misused)
                .setExecutionExceptionHandler((e, command, parsed) -> {
                    command.getErr().println("coppice: " + message(e));
                    return 1;
                });
        int status = arguments.length == 0 ? usage(commandLine) : commandLine.execute(arguments);
        System.out.flush();
        // A listener's library may leave a thread behind; the exit status has been decided.
        System.exit(status);
    }

    /** Says what is wrong with the arguments; as a JSON line, too, for a program that asked for those. */
    private static int misused(CommandLine.ParameterException e, String[] arguments) {
        CommandLine command = e.getCommandLine();
        command.getErr().println("coppice: " + e.getMessage());
        CommandLine.UnmatchedArgumentException.printSuggestions(e, command.getErr());
        if (Arrays.asList(arguments).contains("--json")) {
            System.out.println(StatusLines.failure(List.of(message(e))));
            return 1;
        }
        command.getErr().println("`coppice help " + command.getCommandName() + "` lists the options.");
        return 2;
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
