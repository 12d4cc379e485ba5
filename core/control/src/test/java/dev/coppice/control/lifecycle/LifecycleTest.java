package dev.coppice.control.lifecycle;

import static dev.coppice.control.runtime.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.ResourceClient.Deletion;
import dev.coppice.control.ResourceClient.Deletion.Propagation;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.admission.TypeChecker;
import dev.coppice.control.resource.Registry;
import dev.coppice.control.runtime.testing.FakeResourceClient;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Supervisor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LifecycleTest {

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final ResourceType MAPS = new ResourceType("", "v1", "configmaps");
    private static final ResourceType CLUSTER_THINGS = new ResourceType("x.dev", "v1", "things");
    private static final ResourceType DEFINITIONS =
            new ResourceType("apiextensions.k8s.io", "v1", "customresourcedefinitions");

    private final Kernel kernel = Kernel.start(Clock.system(), 1);
    private final FakeResourceClient client = new FakeResourceClient(Clock.system())
            .serve(MAPS, "ConfigMap", true)
            .serve(NamespaceTermination.NAMESPACES, "Namespace", false)
            .serve(DefaultServiceAccounts.SERVICE_ACCOUNTS, "ServiceAccount", true)
            .serve(QuotaUsage.QUOTAS, "ResourceQuota", true)
            .serve(AggregatedRoles.CLUSTER_ROLES, "ClusterRole", false)
            .serve(DEFINITIONS, "CustomResourceDefinition", false)
            .serve(PolicyStatus.POLICIES, "ValidatingAdmissionPolicy", false)
            .serve(CLUSTER_THINGS, "Thing", false);

    @BeforeEach
    void start() throws Exception {
        Lifecycle.start(
                kernel,
                kernel.root().startSupervisor("lifecycle", dev.coppice.kernel.SupervisorOptions.DEFAULT),
                client,
                new TypeChecker(new Registry()));
    }

    @AfterEach
    void close() {
        kernel.close();
    }

    private ObjectNode map(String namespace, String name, ObjectNode... owners) {
        ObjectNode map = JSON.createObjectNode().put("apiVersion", "v1").put("kind", "ConfigMap");
        ObjectNode metadata = map.putObject("metadata").put("name", name);
        if (!namespace.isEmpty()) {
            metadata.put("namespace", namespace);
        }
        for (ObjectNode owner : owners) {
            metadata.withArray("ownerReferences")
                    .addObject()
                    .put("apiVersion", owner.path("apiVersion").asText())
                    .put("kind", owner.path("kind").asText())
                    .put("name", owner.path("metadata").path("name").asText())
                    .put("uid", owner.path("metadata").path("uid").asText())
                    .put("blockOwnerDeletion", true);
        }
        return map;
    }

    private ObjectNode make(String name, ObjectNode... owners) {
        return client.create(MAPS, map("ns", name, owners));
    }

    private boolean gone(String name) {
        return client.get(MAPS, "ns", name).isEmpty();
    }

    private ObjectNode get(String name) {
        return client.get(MAPS, "ns", name).orElseThrow();
    }

    private void delete(String name, Propagation propagation) {
        client.delete(MAPS, "ns", name, new Deletion(propagation, null));
    }

    @Test
    void backgroundDeletionCollectsDependents() throws Exception {
        ObjectNode top = make("top");
        ObjectNode middle = make("middle", top);
        make("leaf", middle);
        make("other");
        delete("top", Propagation.BACKGROUND);
        eventually(Duration.ofSeconds(15), () -> gone("middle") && gone("leaf"));
        assertThat(gone("other")).isFalse();
    }

    @Test
    void anObjectWithSeveralOwnersLosesReferencesFirst() throws Exception {
        ObjectNode a = make("a");
        ObjectNode b = make("b");
        make("both", a, b);
        delete("a", Propagation.BACKGROUND);
        eventually(
                Duration.ofSeconds(15),
                () -> get("both").path("metadata").path("ownerReferences").size() == 1);
        assertThat(get("both")
                        .path("metadata")
                        .path("ownerReferences")
                        .get(0)
                        .path("name")
                        .asText())
                .isEqualTo("b");
        delete("b", Propagation.BACKGROUND);
        eventually(Duration.ofSeconds(15), () -> gone("both"));
    }

    @Test
    void anOwnerThatNeverWasCounts() throws Exception {
        ObjectNode never = map("ns", "never");
        ((ObjectNode) never.path("metadata")).put("uid", "aaaaaaaa-0000-0000-0000-000000000001");
        make("orphan", never);
        eventually(Duration.ofSeconds(15), () -> gone("orphan"));
    }

    @Test
    void anOwnerMadeAnewIsAnother() throws Exception {
        ObjectNode owner = make("owner");
        make("dependent", owner);
        delete("owner", Propagation.BACKGROUND);
        make("owner");
        eventually(Duration.ofSeconds(15), () -> gone("dependent"));
        assertThat(gone("owner")).isFalse();
    }

    @Test
    void orphaningReleases() throws Exception {
        ObjectNode top = make("top");
        make("a", top);
        make("b", top);
        eventually(Duration.ofSeconds(15), () -> client.watches() > 6);
        delete("top", Propagation.ORPHAN);
        eventually(Duration.ofSeconds(15), () -> gone("top"));
        assertThat(get("a").path("metadata").has("ownerReferences")).isFalse();
        assertThat(get("b").path("metadata").has("ownerReferences")).isFalse();
    }

    @Test
    void foregroundDeletionWaitsForWhatBlocks() throws Exception {
        ObjectNode top = make("top");
        ObjectNode held = map("ns", "held", top);
        ((ObjectNode) held.path("metadata")).putArray("finalizers").add("e.dev/hold");
        ObjectNode middle = client.create(MAPS, held);
        make("leaf", middle);
        delete("top", Propagation.FOREGROUND);
        eventually(Duration.ofSeconds(15), () -> get("held").path("metadata").has("deletionTimestamp") && gone("leaf"));
        assertThat(gone("top")).isFalse();
        ObjectNode patch = JSON.createObjectNode();
        patch.putObject("metadata").putNull("finalizers");
        client.mergePatch(MAPS, "ns", "held", null, patch);
        eventually(Duration.ofSeconds(15), () -> gone("held") && gone("top"));
    }

    @Test
    void aCycleDeletedInTheForegroundEnds() throws Exception {
        ObjectNode a = make("a");
        ObjectNode b = make("b", a);
        ObjectNode again = map("ns", "a", b);
        client.mergePatch(MAPS, "ns", "a", null, again);
        delete("a", Propagation.FOREGROUND);
        eventually(Duration.ofSeconds(15), () -> gone("a") && gone("b"));
    }

    @Test
    void anOwnerInAnotherNamespaceIsNone() throws Exception {
        ObjectNode far = client.create(MAPS, map("far", "owner"));
        make("dependent", far);
        eventually(Duration.ofSeconds(15), () -> gone("dependent"));
        eventually(
                Duration.ofSeconds(15),
                () -> client.events().stream()
                        .anyMatch(
                                e -> e.startsWith(
                                        "Warning OwnerRefInvalidNamespace: ownerRef [v1/ConfigMap, namespace: ns, name: owner")));
    }

    @Test
    void aClusterObjectIsNeverCollectedForANamespacedOwner() throws Exception {
        ObjectNode owner = make("owner");
        client.create(CLUSTER_THINGS, map("", "thing", owner));
        delete("owner", Propagation.BACKGROUND);
        eventually(
                Duration.ofSeconds(15),
                () -> client.events().stream().anyMatch(e -> e.contains("OwnerRefInvalidNamespace")));
        assertThat(client.get(CLUSTER_THINGS, "", "thing")).isPresent();
    }

    @Test
    void typesThatComeLaterAreCollectedToo() throws Exception {
        ResourceType widgets = new ResourceType("test.dev", "v1", "widgets");
        ObjectNode owner = make("owner");
        eventually(Duration.ofSeconds(15), () -> client.watches() > 6);
        client.serve(widgets, "Widget", true);
        client.create(DEFINITIONS, map("", "widgets.test.dev"));
        client.create(widgets, map("ns", "w", owner));
        delete("owner", Propagation.BACKGROUND);
        eventually(Duration.ofSeconds(15), () -> client.get(widgets, "ns", "w").isEmpty());
    }

    @Test
    void aRandomForestIsCollectedWhole() throws Exception {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        List<ObjectNode> trees = new ArrayList<>();
        trees.add(make("n0"));
        for (int i = 1; i < 120; i++) {
            trees.add(make("n" + i, trees.get(random.nextInt(i))));
        }
        delete("n0", random.nextBoolean() ? Propagation.BACKGROUND : Propagation.FOREGROUND);
        try {
            eventually(
                    Duration.ofSeconds(15),
                    () -> client.list(MAPS, Query.ALL).items().isEmpty());
        } catch (AssertionError e) {
            throw new AssertionError("seed " + seed, e);
        }
    }

    /** Kills tasks all over the tree, while it works: nothing is lost, and nothing is deleted that has an owner. */
    @Test
    void killedPartsHealAndTheWorkIsDone() throws Exception {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        eventually(Duration.ofSeconds(15), () -> client.watches() > 6);
        ObjectNode keeper = make("keeper");
        for (int round = 0; round < 8; round++) {
            ObjectNode root = make("root" + round);
            for (int i = 0; i < 10; i++) {
                ObjectNode child = make("child" + round + "-" + i, root);
                make("grandchild" + round + "-" + i, child);
                make("kept" + round + "-" + i, child, keeper);
            }
            List<Supervisor.Child> tasks = new ArrayList<>();
            tasks(kernel.root(), tasks);
            tasks.get(random.nextInt(tasks.size())).kill();
            delete("root" + round, random.nextBoolean() ? Propagation.BACKGROUND : Propagation.FOREGROUND);
            tasks.get(random.nextInt(tasks.size())).kill();
        }
        try {
            eventually(
                    Duration.ofSeconds(15),
                    () -> client.list(MAPS, Query.ALL).items().size() == 81);
        } catch (AssertionError e) {
            throw new AssertionError(
                    "seed " + seed + ", left: "
                            + client.list(MAPS, Query.ALL).items().size(),
                    e);
        }
        assertThat(client.list(MAPS, Query.ALL).items())
                .as("seed %d", seed)
                .extracting(each -> each.path("metadata").path("name").asText())
                .allMatch(name -> name.startsWith("kept") || name.equals("keeper"));
        assertThat(kernel.terminated()).isNotDone();
    }

    private static void tasks(Supervisor supervisor, List<Supervisor.Child> into) {
        for (Supervisor.Child child : supervisor.children()) {
            if (child.spec().sort().equals("supervisor")) {
                tasks(child.supervisor(), into);
            } else {
                into.add(child);
            }
        }
    }

    private ObjectNode namespace(String name) {
        ObjectNode namespace = JSON.createObjectNode().put("apiVersion", "v1").put("kind", "Namespace");
        namespace.putObject("metadata").put("name", name);
        namespace.putObject("spec").putArray("finalizers").add("kubernetes");
        return client.create(NamespaceTermination.NAMESPACES, namespace);
    }

    @Test
    void everyNamespaceHasADefaultServiceAccount() throws Exception {
        namespace("n1");
        eventually(
                Duration.ofSeconds(15),
                () -> client.get(DefaultServiceAccounts.SERVICE_ACCOUNTS, "n1", "default")
                        .isPresent());
        client.delete(DefaultServiceAccounts.SERVICE_ACCOUNTS, "n1", "default");
        eventually(
                Duration.ofSeconds(15),
                () -> client.calls().stream()
                                .filter("create serviceaccounts n1/default"::equals)
                                .count()
                        == 2);
    }

    @Test
    void aNamespaceTerminates() throws Exception {
        namespace("n1");
        ObjectNode held = map("n1", "a");
        ((ObjectNode) held.path("metadata")).putArray("finalizers").add("e.dev/hold");
        client.create(MAPS, held);
        client.create(MAPS, map("n1", "b"));
        client.delete(NamespaceTermination.NAMESPACES, "", "n1");
        eventually(Duration.ofSeconds(15), () -> client.get(MAPS, "n1", "b").isEmpty());
        eventually(
                Duration.ofSeconds(15),
                () -> condition("n1", "NamespaceFinalizersRemaining")
                                .path("status")
                                .asText()
                                .equals("True")
                        && condition("n1", "NamespaceContentRemaining")
                                .path("message")
                                .asText()
                                .contains("configmaps. has 1"));
        assertThat(condition("n1", "NamespaceFinalizersRemaining")
                        .path("message")
                        .asText())
                .isEqualTo(
                        "Some content in the namespace has finalizers remaining: e.dev/hold in 1 resource instances");
        eventually(
                Duration.ofSeconds(15),
                () -> condition("n1", "NamespaceContentRemaining")
                        .path("message")
                        .asText()
                        .equals("Some resources are remaining: configmaps. has 1 resource instances"));
        assertThat(condition("n1", "NamespaceDeletionContentFailure")
                        .path("reason")
                        .asText())
                .isEqualTo("ContentDeleted");
        ObjectNode patch = JSON.createObjectNode();
        patch.putObject("metadata").putNull("finalizers");
        client.mergePatch(MAPS, "n1", "a", null, patch);
        eventually(
                Duration.ofSeconds(15),
                () -> client.get(NamespaceTermination.NAMESPACES, "", "n1").isEmpty());
    }

    @Test
    void aNamespaceWhoseContentCannotBeDeletedSaysSo() throws Exception {
        namespace("n1");
        client.create(MAPS, map("n1", "a"));
        client.fail(call -> call.equals("delete configmaps n1/a")
                ? Optional.of(FakeResourceClient.error(500, "InternalError", "no"))
                : Optional.empty());
        client.delete(NamespaceTermination.NAMESPACES, "", "n1");
        eventually(
                Duration.ofSeconds(15),
                () -> condition("n1", "NamespaceDeletionContentFailure")
                        .path("message")
                        .asText()
                        .equals("Failed to delete all resource types, 1 remaining: no"));
        client.fail(_ -> Optional.<ApiException>empty());
        eventually(
                Duration.ofSeconds(15),
                () -> client.get(NamespaceTermination.NAMESPACES, "", "n1").isEmpty());
    }

    private JsonNode condition(String namespace, String type) {
        for (JsonNode each : client.get(NamespaceTermination.NAMESPACES, "", namespace)
                .orElseThrow()
                .path("status")
                .path("conditions")) {
            if (each.path("type").asText().equals(type)) {
                return each;
            }
        }
        return JSON.missingNode();
    }

    @Test
    void quotasCountWhatIsThere() throws Exception {
        make("a");
        ObjectNode quota = map("ns", "q");
        quota.putObject("spec")
                .putObject("hard")
                .put("count/configmaps", "2")
                .put("secrets", "1")
                .put("requests.cpu", "1");
        client.create(QuotaUsage.QUOTAS, quota);
        eventually(Duration.ofSeconds(15), () -> used("count/configmaps").equals("1"));
        assertThat(used("secrets")).isEqualTo("0");
        assertThat(client.get(QuotaUsage.QUOTAS, "ns", "q")
                        .orElseThrow()
                        .path("status")
                        .path("hard"))
                .isEqualTo(quota.path("spec").path("hard"));
        delete("a", Propagation.BACKGROUND);
        eventually(Duration.ofSeconds(15), () -> used("count/configmaps").equals("0"));
        make("b");
        eventually(Duration.ofSeconds(15), () -> used("count/configmaps").equals("1"));
    }

    private String used(String name) {
        return client.get(QuotaUsage.QUOTAS, "ns", "q")
                .orElseThrow()
                .path("status")
                .path("used")
                .path(name)
                .asText();
    }

    @Test
    void rolesAggregate() throws Exception {
        ObjectNode sum = map("", "sum");
        sum.putObject("aggregationRule")
                .putArray("clusterRoleSelectors")
                .addObject()
                .putObject("matchLabels")
                .put("add", "yes");
        client.create(AggregatedRoles.CLUSTER_ROLES, sum);
        ObjectNode part = map("", "part");
        part.withObject("/metadata/labels").put("add", "yes");
        part.putArray("rules").addObject().putArray("verbs").add("get");
        client.create(AggregatedRoles.CLUSTER_ROLES, part);
        eventually(
                Duration.ofSeconds(15),
                () -> client.get(AggregatedRoles.CLUSTER_ROLES, "", "sum")
                        .orElseThrow()
                        .path("rules")
                        .equals(part.path("rules")));
        client.delete(AggregatedRoles.CLUSTER_ROLES, "", "part");
        eventually(
                Duration.ofSeconds(15),
                () -> client.get(AggregatedRoles.CLUSTER_ROLES, "", "sum")
                        .orElseThrow()
                        .path("rules")
                        .isEmpty());
    }
}
