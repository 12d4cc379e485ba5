package dev.coppice.cli;

import java.util.List;
import java.util.Map;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The object that a command about the past means: {@code TYPE/NAME [-n NS]}. */
final class ObjectArgument {
    @Option(
            names = {"-n", "--namespace"},
            paramLabel = "NS",
            description = "The object's namespace (default: ${DEFAULT-VALUE}).")
    private String namespace = "default";

    @Parameters(arity = "1..2", paramLabel = "TYPE/NAME", description = "Which object; types as kubectl takes them.")
    private List<String> words = List.of();

    ApiAccess.Subject subject() {
        return ApiAccess.Subject.of(words);
    }

    /** The question about it, to be added to. */
    Map<String, String> query() {
        return ApiAccess.about(subject(), namespace);
    }
}
