package dev.coppice.cli;

import dev.coppice.health.migration.Migration;
import dev.coppice.health.migration.Source;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.BiFunction;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code coppice import}: turns the configuration of other tools into manifests, and tells what has no counterpart. */
@Command(
        name = "import",
        description = "Turn the configuration of another tool into manifests, on standard output.",
        subcommands = {ImportCommand.Gatus.class, ImportCommand.Blackbox.class},
        synopsisSubcommandLabel = "TOOL")
final class ImportCommand {
    private static final long MAX_FILE_BYTES = 16L << 20;

    private ImportCommand() {}

    /** Runs one import: manifests to standard output, findings to standard error. */
    private static int run(List<Path> files, String namespace, BiFunction<List<Source>, String, Migration> importer) {
        List<String> errors = new ArrayList<>();
        List<Source> sources = new ArrayList<>();
        for (Path file : files) {
            try {
                if (Files.size(file) > MAX_FILE_BYTES) {
                    errors.add(file + ": larger than " + (MAX_FILE_BYTES >> 20) + " MiB: split it");
                } else {
                    sources.add(new Source(file.toString(), Files.readString(file)));
                }
            } catch (IOException e) {
                errors.add(
                        file + ": cannot be read: " + e.getClass().getSimpleName() + ": give the path of a text file");
            }
        }
        if (errors.isEmpty()) {
            try {
                Migration migration = importer.apply(sources, namespace);
                System.out.print(migration.yaml());
                migration.findings().forEach(finding -> System.err.println("not imported: " + finding));
                System.err.println("checks: " + migration.checks() + "; fields without a counterpart: "
                        + migration.findings().size());
                return 0;
            } catch (IllegalArgumentException e) {
                errors.add(String.valueOf(e.getMessage()));
            }
        }
        errors.forEach(error -> System.err.println("coppice: " + error));
        return 1;
    }

    /** {@code coppice import gatus}. */
    @Command(
            name = "gatus",
            description = "Import a Gatus configuration.",
            footer = {"", "Example: coppice import gatus config.yaml > checks.yaml"})
    static final class Gatus implements Callable<Integer> {
        @Parameters(arity = "1..*", paramLabel = "FILE", description = "Gatus' configuration files.")
        private List<Path> files = List.of();

        @Option(names = "--namespace", description = "Namespace of the manifests (default: ${DEFAULT-VALUE}).")
        private String namespace = "default";

        @Override
        public Integer call() {
            return run(files, namespace, Migration::gatus);
        }
    }

    /** {@code coppice import blackbox}. */
    @Command(
            name = "blackbox",
            description = "Import blackbox_exporter modules for the targets of a Prometheus.",
            footer = {
                "",
                "Each file is recognised by what is in it: blackbox_exporter's configuration, Prometheus' configuration,",
                "a file_sd file, or a plain list of targets.",
                "Example: coppice import blackbox blackbox.yml prometheus.yml > checks.yaml"
            })
    static final class Blackbox implements Callable<Integer> {
        @Parameters(arity = "1..*", paramLabel = "FILE", description = "Configurations and target lists.")
        private List<Path> files = List.of();

        @Option(names = "--namespace", description = "Namespace of the manifests (default: ${DEFAULT-VALUE}).")
        private String namespace = "default";

        @Override
        public Integer call() {
            return run(files, namespace, Migration::blackbox);
        }
    }
}
