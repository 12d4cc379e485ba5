package dev.coppice.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import picocli.CommandLine.Option;

/**
 * What a command that stays says of itself: in words on standard error, or with {@code --json} as a JSON object a line on standard output, whose
 * field {@code event} says what it tells of. Safe for use by many threads.
 */
final class StatusLines {
    private static final ObjectMapper JSON = new ObjectMapper();

    @Option(names = "--quiet", description = "Print errors only.")
    private boolean quiet;

    @Option(names = "--json", description = "Print status lines as JSON on standard output.")
    private boolean json;

    /** Whether people are told nothing but errors. */
    boolean quiet() {
        return quiet;
    }

    boolean json() {
        return json;
    }

    /** An object that tells of something. */
    static ObjectNode event(String name) {
        return JSON.createObjectNode().put("event", name);
    }

    /** The object that tells why something did not start. */
    static ObjectNode failure(List<String> errors) {
        ObjectNode failed = event("failed");
        errors.forEach(failed.putArray("errors")::add);
        return failed;
    }

    /** Tells what happens until it is ready. */
    void progress(String message) {
        tell(event("starting").put("message", message), message);
    }

    /** Tells programs {@code event}, and people {@code lines}. */
    void tell(ObjectNode event, String... lines) {
        if (json) {
            print(event);
        } else if (!quiet) {
            for (String each : lines) {
                System.err.println(each);
            }
        }
    }

    /** Tells why it did not start; gives the exit status. */
    int failed(List<String> errors) {
        if (json) {
            print(failure(errors));
        }
        errors.forEach(error -> System.err.println("coppice: " + error));
        return 1;
    }

    private static synchronized void print(ObjectNode event) {
        System.out.println(event);
        System.out.flush();
    }
}
