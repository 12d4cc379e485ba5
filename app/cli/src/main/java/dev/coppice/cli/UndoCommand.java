package dev.coppice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code coppice undo}: takes back changes of an object by a request like any other, which is itself in the history. */
@Command(
        name = "undo",
        description = "Take back the newest change of an object, or more of them; the status is left alone.",
        footer = {
            "",
            "Without --yes it only shows what it would do.",
            "Exit status: 0 when done, or nothing to do; 2 when it would do something, without --yes; 1 for an error, also",
            "when later changes would be lost."
        })
final class UndoCommand implements Callable<Integer> {
    private static final String AGENT = "coppice-undo";
    private static final int WOULD_CHANGE = 2;

    @Mixin
    private final ApiAccess access = new ApiAccess();

    @Mixin
    private final ObjectArgument object = new ObjectArgument();

    @Option(names = "--to", paramLabel = "REVISION", description = "Back to how it was at this revision.")
    private String to = "";

    @Option(
            names = "--change",
            paramLabel = "REVISION",
            description = "Take back only the change of this revision, and leave later ones.")
    private String change = "";

    @Option(names = "--yes", description = "Do it.")
    private boolean yes;

    @Option(names = "--force", description = "Do it also when changes of others are lost.")
    private boolean force;

    @Override
    public Integer call() throws Exception {
        ApiAccess.Subject subject = object.subject();
        try (ApiConnection api = access.open()) {
            Map<String, String> query = object.query();
            query.put("to", to);
            query.put("change", change);
            JsonNode plan = ApiAccess.history(api, "undo", query);
            String action = ChangeLines.text(plan, "action");
            if (!access.table()) {
                System.out.println(access.shown(plan));
            } else {
                show(plan, subject, action);
            }
            if (action.equals("nothing")) {
                return 0;
            }
            if (!plan.path("conflicts").isEmpty() && !force) {
                throw new IOException(
                        "later changes, listed above, would be lost: take back one with --change REVISION,"
                                + " or all with --force");
            }
            if (!yes) {
                if (access.table()) {
                    System.out.println("Nothing is changed yet: add --yes to do it.");
                }
                return WOULD_CHANGE;
            }
            JsonNode done = apply(api, plan, action);
            if (access.table()) {
                System.out.println("Done, at revision "
                        + done.path("metadata").path("resourceVersion").asText("(deleted)") + ".");
            }
            return 0;
        }
    }

    private static void show(JsonNode plan, ApiAccess.Subject subject, String action) {
        if (action.equals("nothing")) {
            System.out.println("There is nothing to take back.");
            return;
        }
        System.out.println("Would " + action + " " + subject.resource() + "/" + subject.name() + ":");
        ChangeLines.difference(plan.path("diff"), "    ").forEach(System.out::println);
        System.out.println("It takes back:");
        ChangeLines.table(plan.path("undone"), false).forEach(System.out::println);
        if (!plan.path("conflicts").isEmpty()) {
            System.out.println("Among them, or touched by it, are changes of others:");
            ChangeLines.table(plan.path("conflicts"), false).forEach(System.out::println);
        }
    }

    /** What is there now has to be what the plan was made of: the request names its version. */
    private static JsonNode apply(ApiConnection api, JsonNode plan, String action)
            throws IOException, InterruptedException {
        String collection = ChangeLines.text(plan, "collection");
        String one = collection + "/" + ChangeLines.text(plan, "name");
        JsonNode object = plan.path("object");
        String manager = "?fieldManager=" + AGENT;
        return ApiAccess.read(
                switch (action) {
                    case "create" ->
                        api.send("POST", collection + manager, "application/json", object.toString(), AGENT);
                    case "update" -> api.send("PUT", one + manager, "application/json", object.toString(), AGENT);
                    default -> {
                        ObjectNode options = ApiAccess.JSON.createObjectNode();
                        options.put("kind", "DeleteOptions").put("apiVersion", "v1");
                        ObjectNode preconditions = options.putObject("preconditions");
                        JsonNode metadata = object.path("metadata");
                        preconditions.put("uid", ChangeLines.text(metadata, "uid"));
                        preconditions.put("resourceVersion", ChangeLines.text(metadata, "resourceVersion"));
                        yield api.send("DELETE", one, "application/json", options.toString(), AGENT);
                    }
                });
    }
}
