package dev.coppice.control.plan;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Controller;
import dev.coppice.control.Kind;
import dev.coppice.control.Reconciler;
import dev.coppice.control.ServedApi;
import dev.coppice.control.ServedApi.Answer;
import dev.coppice.control.request.Json;
import dev.coppice.control.runtime.Eventually;
import dev.coppice.control.webhook.WebhookServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Plans over HTTP. After each, the store is as it was before. */
class PlansTest {
    private static final String PLANS = "/apis/plan.coppice.dev/v1/plans?fieldManager=kubectl";
    private static final String MAPS = "/api/v1/namespaces/default/configmaps";
    private static final String CRD = """
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"%1$ss.plan.test"},
             "spec":{"group":"plan.test","scope":"Namespaced","names":{"plural":"%1$ss","singular":"%1$s","kind":"%2$s"},
              "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","properties":
               {"spec":{"type":"object","properties":{"size":{"type":"integer","default":3,"maximum":9},
                "colour":{"type":"string"}},"x-kubernetes-validations":[{"rule":"self.size != 7","message":"seven is unlucky"}]
               }}}}}]}}""";

    @TempDir
    static Path directory;

    private static ServedApi api;

    @BeforeAll
    static void start() throws Exception {
        api = new ServedApi(directory);
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    /** The lines of a plan; nothing of the store may change by it. */
    private static List<JsonNode> plan(String query, List<String> objects, String... headers) throws Exception {
        long before = api.keyspace().revision();
        String body = "{\"kind\":\"List\",\"apiVersion\":\"v1\",\"items\":[" + String.join(",", objects) + "]}";
        Answer answer = api.call("POST", PLANS + query, body, headers);
        assertThat(answer.code()).as(answer.body().toString()).isEqualTo(200);
        assertThat(api.keyspace().revision()).isEqualTo(before);
        List<JsonNode> lines = new ArrayList<>();
        answer.body().path("text").asText().lines().forEach(line -> lines.add(Json.tree(line)));
        assertThat(lines).hasSize(objects.size() + 1);
        return lines;
    }

    private static String map(String namespace, String name, String rest) {
        return "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"" + name + "\",\"namespace\":\""
                + namespace + "\"}," + rest + "}";
    }

    private static String namespace(String name) {
        return "{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"" + name + "\"}}";
    }

    private static void apply(String path, String object, String manager) throws Exception {
        Answer answer = api.call(
                "PATCH", path + "?fieldManager=" + manager, object, "Content-Type", "application/apply-patch+yaml");
        assertThat(answer.code()).as(answer.body().toString()).isBetween(200, 201);
    }

    private static List<String> actions(List<JsonNode> lines) {
        return lines.stream()
                .map(line -> line.path("action").asText())
                .filter(a -> !a.isEmpty())
                .toList();
    }

    private static String message(JsonNode line) {
        return line.path("error").path("message").asText();
    }

    @Test
    void whatDependsOnEachOtherIsPlannedTogetherThoughNothingIsThere() throws Exception {
        List<JsonNode> lines = plan(
                "",
                List.of(
                        CRD.formatted("box", "Box"),
                        namespace("storeroom"),
                        "{\"apiVersion\":\"plan.test/v1\",\"kind\":\"Box\",\"metadata\":{\"name\":\"a\",\"namespace\":"
                                + "\"storeroom\"},\"spec\":{\"colour\":\"red\"}}",
                        "{\"apiVersion\":\"plan.test/v1\",\"kind\":\"Box\",\"metadata\":{\"name\":\"b\",\"namespace\":"
                                + "\"storeroom\"},\"spec\":{\"size\":12,\"colour\":\"red\"}}",
                        "{\"apiVersion\":\"plan.test/v1\",\"kind\":\"Box\",\"metadata\":{\"name\":\"c\",\"namespace\":"
                                + "\"storeroom\"},\"spec\":{\"size\":7}}",
                        map("storeroom", "m", "\"data\":{\"a\":\"1\"}"),
                        map("nowhere", "m", "\"data\":{\"a\":\"1\"}")));
        assertThat(actions(lines))
                .containsExactly("create", "create", "create", "refused", "refused", "create", "refused");
        assertThat(lines.get(2).path("diff").toString()).contains("\"size\":3");
        assertThat(message(lines.get(3))).contains("spec.size: Invalid value: 12");
        assertThat(message(lines.get(4))).contains("seven is unlucky");
        assertThat(message(lines.get(6))).contains("namespaces \"nowhere\" not found");
        assertThat(lines.getLast().path("create").asInt()).isEqualTo(4);
        assertThat(lines.getLast().path("refused").asInt()).isEqualTo(3);
        assertThat(api.server().registry().find("plan.test", "v1", "boxs")).isNull();
        assertThat(api.call("GET", "/api/v1/namespaces/storeroom", "").code()).isEqualTo(404);
    }

    @Test
    void aKindWhoseDefinitionIsRefusedIsMissedWithThatReason() throws Exception {
        String broken =
                CRD.formatted("crate", "Crate").replace("\"type\":\"integer\"", "\"type\":\"number of things\"");
        List<JsonNode> lines = plan(
                "",
                List.of(
                        broken,
                        "{\"apiVersion\":\"plan.test/v1\",\"kind\":\"Crate\",\"metadata\":{\"name\":\"a\"}}",
                        "{\"apiVersion\":\"plan.test/v1\",\"kind\":\"Lid\",\"metadata\":{\"name\":\"a\"}}"));
        assertThat(actions(lines)).containsExactly("refused", "refused", "refused");
        assertThat(message(lines.get(1))).contains("no matches for kind \"Crate\"", "of this plan", "is refused");
        assertThat(message(lines.get(2))).contains("no matches for kind \"Lid\"", "has to come before it");
    }

    @Test
    void changesConflictsAndOwnershipAreToldApart() throws Exception {
        apply(MAPS + "/mine", map("default", "mine", "\"data\":{\"a\":\"1\",\"b\":\"2\"}"), "kubectl");
        apply(MAPS + "/theirs", map("default", "theirs", "\"data\":{\"a\":\"1\"}"), "somebody");
        List<String> objects = List.of(
                map("default", "mine", "\"data\":{\"a\":\"1\",\"b\":\"2\"}"),
                map("default", "mine", "\"data\":{\"a\":\"x\"}"),
                map("default", "theirs", "\"data\":{\"a\":\"2\"}"),
                map("default", "theirs", "\"data\":{\"a\":\"1\"}"));
        List<JsonNode> lines = plan("", objects);
        assertThat(actions(lines)).containsExactly("unchanged", "change", "refused", "change");
        assertThat(lines.get(1).path("diff").toString())
                .isEqualTo("[{\"field\":\"data.a\",\"before\":\"1\",\"after\":\"x\"},"
                        + "{\"field\":\"data.b\",\"before\":\"2\"}]");
        assertThat(lines.get(2).path("conflicts").get(0).path("manager").asText())
                .isEqualTo("somebody");
        assertThat(lines.get(2).path("conflicts").get(0).path("field").asText()).isEqualTo(".data.a");
        assertThat(lines.get(3).path("ownership").asBoolean()).isTrue();
        assertThat(actions(plan("&force=true", objects))).containsExactly("unchanged", "change", "change", "change");
    }

    @Test
    void valuesOfSecretsAreHidden() throws Exception {
        String secret =
                "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"key\",\"namespace\":\"default\"},"
                        + "\"stringData\":{\"password\":\"%s\"}}";
        apply("/api/v1/namespaces/default/secrets/key", secret.formatted("swordfish"), "kubectl");
        List<JsonNode> lines = plan(
                "",
                List.of(
                        secret.formatted("mackerel"),
                        secret.formatted("mackerel").replace("\"key\"", "\"new\"")));
        assertThat(actions(lines)).containsExactly("change", "create");
        assertThat(lines.toString())
                .contains("data.password", "(hidden)")
                .doesNotContain("mackerel", "swordfish", "bWFja2VyZWw", "c3dvcmRmaXNo");
    }

    @Test
    void policiesOfThePlanJudgeWhatComesAfterThem() throws Exception {
        String policy = """
                {"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicy","metadata":{"name":"plan"},
                 "spec":{"matchConstraints":{"objectSelector":{"matchLabels":{"plan":"yes"}},"resourceRules":[{"apiGroups":[""],
                  "apiVersions":["v1"],"resources":["configmaps"],"operations":["CREATE"]}]},
                  "validations":[{"expression":"'owner' in object.data","message":"nobody owns it"}]}}""";
        String binding = """
                {"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingAdmissionPolicyBinding","metadata":
                 {"name":"plan"},"spec":{"policyName":"plan","validationActions":["Deny"]}}""";
        String map = "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"%s\",\"labels\":"
                + "{\"plan\":\"yes\"}},\"data\":{\"%s\":\"1\"}}";
        List<JsonNode> lines = plan(
                "",
                List.of(
                        map.formatted("early", "a"),
                        policy,
                        binding,
                        map.formatted("late", "a"),
                        map.formatted("owned", "owner")));
        assertThat(actions(lines)).containsExactly("create", "create", "create", "refused", "create");
        assertThat(message(lines.get(3))).contains("'plan' with binding 'plan' denied request: nobody owns it");
        assertThat(lines.get(4).path("admission").toString())
                .isEqualTo("[\"ValidatingAdmissionPolicy 'plan' with binding 'plan'\"]");
    }

    @Test
    void webhooksAreAskedForADryRunOnly() throws Exception {
        try (WebhookServer hooks =
                new WebhookServer(api.kernel(), directory.resolve("pki"), "127.0.0.1", "hook.default.svc")) {
            hooks.on(
                    "/label",
                    r -> WebhookServer.patch("[{\"op\":\"add\",\"path\":\"/data\",\"value\":{\"b\":\"2\"}}]"));
            Answer made = api.call(
                    "POST",
                    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
                    "{\"apiVersion\":\"admissionregistration.k8s.io/v1\",\"kind\":\"MutatingWebhookConfiguration\","
                            + "\"metadata\":{\"name\":\"plan\"},\"webhooks\":["
                            + webhook("kind.plan.test", hooks.clientConfig("/label")) + "]}");
            assertThat(made.code()).as(made.body().toString()).isEqualTo(201);
            var cache = Objects.requireNonNull(api.server()
                            .registry()
                            .find("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations"))
                    .cache();
            Eventually.eventually(Duration.ofSeconds(20), () -> cache.get("", "plan") != null);
            List<JsonNode> lines = plan(
                    "",
                    List.of(
                            "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"hooked\",\"labels\":"
                                    + "{\"hooked\":\"yes\"}}}"));
            assertThat(actions(lines)).containsExactly("create");
            assertThat(lines.get(0).path("diff").toString()).contains("{\"b\":\"2\"}");
            assertThat(lines.get(0).path("admission").toString())
                    .contains("mutating webhook 'kind.plan.test' of 'plan', which changes it");
            List<JsonNode> asked = hooks.asked();
            assertThat(asked).hasSize(1);
            assertThat(asked.getFirst().path("request").path("dryRun").asBoolean())
                    .isTrue();
        } finally {
            api.call("DELETE", "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/plan", "");
        }
    }

    private static String webhook(String name, String config) {
        return "{\"name\":\"" + name + "\",\"clientConfig\":" + config + ",\"rules\":[{\"apiGroups\":[\"\"],"
                + "\"apiVersions\":[\"v1\"],\"resources\":[\"configmaps\"],\"operations\":[\"CREATE\"]}],"
                + "\"objectSelector\":{\"matchLabels\":{\"hooked\":\"yes\"}},\"sideEffects\":\"NoneOnDryRun\","
                + "\"admissionReviewVersions\":[\"v1\"]}";
    }

    @Test
    void aQuotaOfThePlanIsUsedUp() throws Exception {
        List<JsonNode> lines = plan(
                "",
                List.of(
                        namespace("small"),
                        "{\"apiVersion\":\"v1\",\"kind\":\"ResourceQuota\",\"metadata\":{\"name\":\"q\",\"namespace\":"
                                + "\"small\"},\"spec\":{\"hard\":{\"count/configmaps\":\"1\"}}}",
                        map("small", "one", "\"data\":{}"),
                        map("small", "two", "\"data\":{}")));
        assertThat(actions(lines)).containsExactly("create", "create", "create", "refused");
        assertThat(message(lines.get(3))).contains("exceeded quota: q", "used: count/configmaps=1");
    }

    @Test
    void onlyWhatMayBeReadAndAppliedIsPlanned() throws Exception {
        api.user("planner");
        String role =
                "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"Role\",\"metadata\":{\"name\":\"planner\","
                        + "\"namespace\":\"default\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":[\"configmaps\"],"
                        + "\"verbs\":[\"get\",\"patch\",\"create\",\"list\"]}]}";
        String grant =
                "{\"apiVersion\":\"rbac.authorization.k8s.io/v1\",\"kind\":\"RoleBinding\",\"metadata\":{\"name\":"
                        + "\"planner\",\"namespace\":\"default\"},\"roleRef\":{\"kind\":\"Role\",\"name\":\"planner\",\"apiGroup\":"
                        + "\"rbac.authorization.k8s.io\"},\"subjects\":[{\"kind\":\"User\",\"name\":\"planner\",\"apiGroup\":"
                        + "\"rbac.authorization.k8s.io\"}]}";
        String[] planner = {"Authorization", "Bearer planner"};
        String map = map("default", "planners", "\"data\":{\"a\":\"1\"}");
        // A user's plan does not help to rights: the role is refused, as it would be.
        List<JsonNode> lines = plan("", List.of(role, grant, map), planner);
        assertThat(actions(lines)).containsExactly("refused", "refused", "refused");
        assertThat(message(lines.get(2))).contains("User \"planner\" cannot get resource \"configmaps\"");
        String roles = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/role";
        apply(roles + "s/planner", role, "kubectl");
        apply(roles + "bindings/planner", grant, "kubectl");
        api.await(200, "GET", MAPS, "", planner);
        assertThat(actions(plan("", List.of(map), planner))).containsExactly("create");
        assertThat(api.call("POST", PLANS, "{}", "Authorization", "").code()).isIn(401, 403);
    }

    record Spec(String unused) {}

    record Status(String unused) {}

    private static final Kind<Spec, Status> MAP = new Kind<>(
            "", "v1", "ConfigMap", "configmaps", true, Spec.class, Status.class, "", List.of(), List.of(), List.of());

    private static Controller<Spec, Status> controller(String name, Answers answers) {
        return Controller.of(name, MAP, new Reconciler<>() {
            @Override
            public Result reconcile(Request<Spec, Status> request) {
                return Result.DONE;
            }

            @Override
            public List<String> plan(Planned<Spec, Status> planned) throws Exception {
                return answers.about(planned);
            }
        });
    }

    private interface Answers {
        List<String> about(Reconciler.Planned<Spec, Status> planned) throws Exception;
    }

    @Test
    void controllersSayWhatTheyWouldDoAndHoldUpNothing() throws Exception {
        CountDownLatch never = new CountDownLatch(1);
        ControllerPlans plans = api.server().plans().controllers();
        try (var _ = plans.add(controller(
                        "good",
                        p -> List.of((p.before().isEmpty() ? "will begin with " : "will go on with ")
                                + p.after().orElseThrow().name())));
                var _ = plans.add(controller("quiet", _ -> List.of()));
                var _ = plans.add(controller("broken", _ -> {
                    throw new IllegalStateException("out of paper");
                }));
                var _ = plans.add(controller("hung", _ -> {
                    never.await();
                    return List.of();
                }))) {
            List<JsonNode> lines =
                    plan("", List.of(map("default", "said", "\"data\":{}"), map("default", "said-too", "\"data\":{}")));
            assertThat(actions(lines)).containsExactly("create", "create");
            assertThat(lines.get(0).path("controllers").toString())
                    .contains("{\"controller\":\"good\",\"actions\":[\"will begin with said\"]}")
                    .contains("failed to say what it would do: java.lang.IllegalStateException: out of paper")
                    .contains("did not answer within 2 s")
                    .doesNotContain("quiet");
            assertThat(lines.get(1).path("controllers").toString())
                    .contains("good")
                    .doesNotContain("hung");
            assertThat(lines.getLast().path("controllersAsked").asBoolean()).isTrue();
        }
        assertThat(plan("", List.of(map("default", "said", "\"data\":{}")))
                        .getFirst()
                        .has("controllers"))
                .isFalse();
    }

    @Test
    void noMorePlansThanFourAreMadeAtOnceAndOthersAreTold() throws Exception {
        List<Plans.Place> places = new ArrayList<>();
        try {
            for (int i = 0; i < 4; i++) {
                // An earlier test's plan gives its place back after its last line was read.
                Eventually.eventually(Duration.ofSeconds(10), () -> entered(places));
            }
            String large = "{\"kind\":\"List\",\"items\":[\"" + "x".repeat(4 << 20) + "\"]}";
            Answer refused = api.call("POST", PLANS, large);
            assertThat(refused.code()).isEqualTo(429);
            assertThat(refused.message()).contains("already 4 plans");
        } finally {
            places.forEach(Plans.Place::close);
        }
        assertThat(actions(plan("", List.of(map("default", "again", "\"data\":{}")))))
                .containsExactly("create");
    }

    private static boolean entered(List<Plans.Place> places) {
        try {
            return places.add(api.server().plans().enter());
        } catch (ApiException e) {
            return false;
        }
    }

    @Test
    void whatIsNoPlanIsRefusedWithAllThatIsWrong() throws Exception {
        assertThat(api.call("POST", PLANS, "{\"kind\":\"ConfigMap\"}").message())
                .contains("no v1 List");
        Answer wrong =
                api.call("POST", PLANS, "{\"kind\":\"List\",\"items\":[{\"kind\":\"A\"},7,{\"apiVersion\":\"v1\"}]}");
        assertThat(wrong.code()).isEqualTo(422);
        assertThat(wrong.message()).contains("items[0].apiVersion", "items[1]", "items[2].kind");
        assertThat(api.call("POST", "/apis/plan.coppice.dev/v1/plans", "{}").message())
                .contains("fieldManager: Required value");
        assertThat(api.call("GET", PLANS, "").code()).isEqualTo(405);
        assertThat(api.call("POST", "/apis/plan.coppice.dev/v1/other", "{}").code())
                .isEqualTo(404);
        StringBuilder many = new StringBuilder("{\"kind\":\"List\",\"items\":[0");
        for (int i = 0; i < Plans.MOST_OBJECTS; i++) {
            many.append(",0");
        }
        assertThat(api.call("POST", PLANS, many.append("]}").toString()).message())
                .contains("one plan may have " + Plans.MOST_OBJECTS);
    }
}
