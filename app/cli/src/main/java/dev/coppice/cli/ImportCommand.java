package dev.coppice.cli;

import picocli.CommandLine.Command;

/** {@code coppice import}: turns the configuration of other tools into manifests. */
@Command(
        name = "import",
        description = "Turn the configuration of another tool into manifests (written to standard output).",
        subcommands = {})
final class ImportCommand {}
