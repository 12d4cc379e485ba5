package dev.coppice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code coppice plan}: what an apply would do, as the node says, before anything changes. */
@Command(
        name = "plan",
        description =
                "Show what an apply of manifests would do: objects, policies, admission, controllers. Changes nothing.",
        sortOptions = false,
        footer = {
            "",
            "It plans `kubectl apply --server-side`, or with --up what `coppice up FOLDER` applies. Neither deletes what is",
            "not in the manifests any more, so a plan shows no deletions.",
            "Exit status: 0 when nothing would change, 1 when something would, 2 when something would be refused or the plan",
            "could not be made."
        })
final class PlanCommand implements Callable<Integer> {
    private static final String PATH = "/apis/plan.coppice.dev/v1/plans";
    private static final String AGENT = "coppice-plan";
    private static final int MOST_BYTES = 16 << 20;
    private static final int ERROR = 2;

    @Option(
            names = {"-f", "--filename"},
            paramLabel = "FILE|DIR",
            required = true,
            description = "Manifests (YAML or JSON); may be given several times.")
    private List<Path> paths = List.of();

    @Option(
            names = {"-n", "--namespace"},
            paramLabel = "NS",
            description = "Of objects that name none (default: default).")
    private String namespace = "default";

    @Option(
            names = "--field-manager",
            paramLabel = "NAME",
            description = "Who would own the fields (default: ${DEFAULT-VALUE}).")
    private String manager = "kubectl";

    @Option(names = "--force-conflicts", description = "Take over fields that others own.")
    private boolean force;

    @Option(
            names = "--up",
            description = "As `coppice up` applies: field manager coppice-up, takes over fields, fills in variables.")
    private boolean up;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORMAT",
            description = "text, json or yaml.")
    private String output = "text";

    @Mixin
    private final ServerOption server = new ServerOption();

    @Override
    public Integer call() throws Exception {
        try {
            return plan();
        } catch (Manifests.InvalidException e) {
            e.errors().forEach(each -> System.err.println("coppice: " + each));
            return ERROR;
        } catch (IOException | IllegalArgumentException e) {
            System.err.println("coppice: " + e.getMessage());
            return ERROR;
        }
    }

    private int plan() throws IOException, InterruptedException, Manifests.InvalidException {
        if (!Set.of("text", "json", "yaml").contains(output)) {
            throw new IllegalArgumentException("-o " + output + ": expected text, json or yaml");
        }
        Manifests manifests = Manifests.read(paths);
        if (up) {
            manifests = manifests.with(variables(server.node()));
        }
        byte[] body = ApiAccess.JSON.writeValueAsBytes(list(manifests));
        if (body.length > MOST_BYTES) {
            throw new IOException("the manifests have " + ProgressLine.size(body.length)
                    + " together; one plan may have " + ProgressLine.size(MOST_BYTES) + ": plan them in parts");
        }
        ObjectNode whole = ApiAccess.JSON.createObjectNode();
        whole.put("kind", "Plan").put("apiVersion", "plan.coppice.dev/v1");
        ArrayNode objects = whole.putArray("objects");
        PlanView view = new PlanView(manifests, output.equals("text"));
        try (ApiConnection api = server.open()) {
            ApiConnection.Answer refused = api.lines(PATH + query(), body, AGENT, line -> {
                JsonNode read = ApiAccess.JSON.readTree(line);
                if (read.path("type").asText().equals("SUM")) {
                    whole.set("sum", read);
                } else {
                    objects.add(read);
                    view.show(read);
                }
            });
            if (refused != null) {
                JsonNode unused = ApiAccess.read(refused);
                throw new IOException("the node answered with status " + refused.status() + ": " + unused);
            }
        } finally {
            view.end();
        }
        JsonNode sum = whole.path("sum");
        if (sum.isMissingNode()) {
            throw new IOException("the node stopped in the middle of the plan, after " + objects.size() + " of "
                    + manifests.manifests().size() + " objects: try again");
        }
        if (output.equals("text")) {
            view.sum(sum);
        } else {
            System.out.println(
                    output.equals("yaml")
                            ? ApiAccess.yaml(whole)
                            : ApiAccess.JSON.writerWithDefaultPrettyPrinter().writeValueAsString(whole));
        }
        boolean changes = sum.path("create").asInt() + sum.path("change").asInt() > 0;
        return sum.path("refused").asInt() > 0 ? ERROR : changes ? 1 : 0;
    }

    private ObjectNode list(Manifests manifests) {
        ObjectNode list = ApiAccess.JSON.createObjectNode().put("kind", "List").put("apiVersion", "v1");
        ArrayNode items = list.putArray("items");
        for (Manifests.Manifest each : manifests.manifests()) {
            ObjectNode object = each.object().deepCopy();
            // The node leaves it out of what lies in no namespace.
            ObjectNode metadata = object.withObjectProperty("metadata");
            if (metadata.path("namespace").asText().isEmpty()) {
                metadata.put("namespace", up ? "default" : namespace);
            }
            items.add(object);
        }
        return list;
    }

    private String query() {
        return "?fieldManager="
                + URLEncoder.encode(up ? Manifests.FIELD_MANAGER : manager, StandardCharsets.UTF_8)
                + "&force=" + (force || up);
    }

    /** What {@code coppice up} fills in, of the node that is asked. */
    private static Map<String, String> variables(JsonNode node) throws IOException {
        if (!node.has("etcd") || !node.has("public")) {
            throw new IOException(
                    "--up fills in where the node listens, which only its --data directory tells: leave out"
                            + " --server");
        }
        URI api = URI.create(node.path("api").asText());
        URI etcd = URI.create("etcd://" + node.path("etcd").asText());
        URI open = URI.create(node.path("public").asText());
        return Map.of(
                "API_ADDRESS", api.getHost(),
                "API_PORT", Integer.toString(api.getPort()),
                "ETCD_ADDRESS", etcd.getHost(),
                "ETCD_PORT", Integer.toString(etcd.getPort()),
                "PUBLIC_ADDRESS", open.getHost(),
                "PUBLIC_PORT", Integer.toString(open.getPort()));
    }
}
