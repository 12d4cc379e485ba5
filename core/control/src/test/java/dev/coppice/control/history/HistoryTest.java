package dev.coppice.control.history;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.control.ServedApi;
import dev.coppice.control.ServedApi.Answer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Changes, causes, the past and undoing, over HTTP on a real store. */
class HistoryTest {
    private static final String HISTORY = "/apis/history.coppice.dev/v1/";
    private static final String MAPS = "/api/v1/namespaces/default/configmaps";
    private static final String SECRETS = "/api/v1/namespaces/default/secrets";

    @TempDir
    static Path directory;

    private static ServedApi api;

    @BeforeAll
    static void start() throws Exception {
        api = new ServedApi(directory);
        api.user("eve");
        api.user("bob");
        ok(api.call(
                "POST",
                "/apis/rbac.authorization.k8s.io/v1/clusterroles",
                "{\"metadata\":{\"name\":\"maps\"},\"rules\":[{\"apiGroups\":[\"\"],\"resources\":[\"configmaps\"],"
                        + "\"verbs\":[\"*\"]}]}"));
        for (String user : List.of("bob", "eve")) {
            ok(api.call(
                    "POST",
                    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
                    "{\"metadata\":{\"name\":\"" + user + "\"},\"roleRef\":{\"apiGroup\":\"rbac.authorization.k8s.io\","
                            + "\"kind\":\"ClusterRole\",\"name\":\"maps\"},\"subjects\":[{\"kind\":\"User\",\"name\":\""
                            + user + "\",\"apiGroup\":\"rbac.authorization.k8s.io\"}]}"));
        }
        Answer unused = api.await(200, "GET", MAPS, "", as("bob"));
        unused = api.await(200, "GET", MAPS, "", as("eve"));
    }

    @AfterAll
    static void close() {
        api.close();
    }

    private static String[] as(String user) {
        return new String[] {"Authorization", "Bearer " + user};
    }

    private static Answer ok(Answer answer) {
        assertThat(answer.code()).as(answer.body().toString()).isBetween(200, 201);
        return answer;
    }

    private static Answer get(String path, String... headers) throws Exception {
        return api.call("GET", HISTORY + path, "", headers);
    }

    private static String map(String name, String data) {
        return "{\"metadata\":{\"name\":\"" + name + "\"},\"data\":" + data + "}";
    }

    private static String version(Answer answer) {
        return answer.body().path("metadata").path("resourceVersion").asText();
    }

    private static Answer merge(String path, String patch, String... headers) throws Exception {
        List<String> all = new ArrayList<>(List.of("Content-Type", "application/merge-patch+json"));
        all.addAll(List.of(headers));
        return ok(api.call("PATCH", path, patch, all.toArray(String[]::new)));
    }

    private static JsonNode items(String path, String... headers) throws Exception {
        return ok(get(path, headers)).body().path("items");
    }

    @Test
    void tellsWhoChangedWhatAndFromWhichRevision() throws Exception {
        String first = version(ok(api.call("POST", MAPS, map("who", "{\"a\":\"1\"}"))));
        String second = version(merge(
                MAPS + "/who",
                "{\"data\":{\"a\":\"2\"}}",
                "Authorization",
                "Bearer bob",
                "User-Agent",
                "kubectl/v1",
                "Audit-ID",
                "request-1"));
        ok(api.call("DELETE", MAPS + "/who", ""));

        JsonNode changes = items("changes?resource=cm&name=who");
        assertThat(changes).hasSize(3);
        JsonNode deleted = changes.get(0);
        assertThat(deleted.path("operation").asText()).isEqualTo("deleted");
        assertThat(deleted.path("previousResourceVersion").asText()).isEqualTo(second);
        JsonNode updated = changes.get(1);
        assertThat(updated.path("verb").asText()).isEqualTo("patch");
        assertThat(updated.path("user").asText()).isEqualTo("bob");
        assertThat(updated.path("userAgent").asText()).isEqualTo("kubectl/v1");
        assertThat(updated.path("requestID").asText()).isEqualTo("request-1");
        assertThat(updated.path("resourceVersion").asText()).isEqualTo(second);
        assertThat(updated.path("previousResourceVersion").asText()).isEqualTo(first);
        assertThat(updated.path("diff")).hasToString("[{\"field\":\"data.a\",\"before\":\"1\",\"after\":\"2\"}]");
        assertThat(changes.get(2).path("operation").asText()).isEqualTo("created");
        assertThat(changes.get(2).path("resourceVersion").asText()).isEqualTo(first);
    }

    @Test
    void hasNoEntryOfWhatDidNotHappen() throws Exception {
        ok(api.call("POST", MAPS, map("dry", "{\"a\":\"1\"}")));
        merge(MAPS + "/dry?dryRun=All", "{\"data\":{\"a\":\"2\"}}");
        merge(MAPS + "/dry", "{\"data\":{\"a\":\"1\"}}");
        assertThat(api.call("POST", MAPS, map("dry", "{}")).code()).isEqualTo(409);
        assertThat(items("changes?resource=configmaps&name=dry")).hasSize(1);
    }

    @Test
    void listsChangesOfAllKindsWithFiltersAndByParts() throws Exception {
        ok(api.call("POST", MAPS, map("many", "{}"), as("bob")));
        for (int i = 0; i < 5; i++) {
            merge(MAPS + "/many", "{\"data\":{\"n\":\"" + i + "\"}}", as("bob"));
        }
        assertThat(items("changes?since=1h&user=bob&resource=configmap&namespace=default"))
                .anyMatch(each -> each.path("object").path("name").asText().equals("many"));
        assertThat(items("changes?user=nobody")).isEmpty();
        assertThat(items("changes?until=2020-01-01T00:00:00Z")).isEmpty();

        List<String> seen = new ArrayList<>();
        String next = "";
        do {
            Answer page =
                    ok(get("changes?resource=cm&name=many&limit=2" + (next.isEmpty() ? "" : "&continue=" + next)));
            page.body()
                    .path("items")
                    .forEach(each -> seen.add(each.path("resourceVersion").asText()));
            next = page.body().path("metadata").path("continue").asText("");
        } while (!next.isEmpty());
        assertThat(seen).hasSize(6).doesNotHaveDuplicates();

        List<String> all = new ArrayList<>();
        next = "";
        do {
            Answer page = ok(get("changes?user=bob&limit=2" + (next.isEmpty() ? "" : "&continue=" + next)));
            page.body()
                    .path("items")
                    .forEach(each -> all.add(each.path("resourceVersion").asText()));
            next = page.body().path("metadata").path("continue").asText("");
        } while (!next.isEmpty());
        assertThat(all).containsAll(seen).doesNotHaveDuplicates();
    }

    @Test
    void tellsAllThatIsWrongWithAQuestion() throws Exception {
        Answer wrong = get("changes?since=yesterday&limit=0&colour=red");
        assertThat(wrong.code()).isEqualTo(400);
        assertThat(wrong.message()).contains("since: \"yesterday\"", "limit: \"0\"", "colour: unknown");
        assertThat(get("changes?resource=unicorns&name=x").message()).contains("resource: \"unicorns\"");
        assertThat(get("objects?resource=cm&name=x&at=999999999").message()).contains("is not there yet");
        assertThat(get("objects?resource=cm&name=x&at=soon").message()).contains("at: \"soon\"");
        assertThat(get("elsewhere").code()).isEqualTo(404);
        assertThat(api.call("POST", HISTORY + "changes", "{}").code()).isEqualTo(405);
    }

    @Test
    void showsNobodyThePastOfWhatTheyMayNotGet() throws Exception {
        ok(api.call(
                "POST", SECRETS, "{\"metadata\":{\"name\":\"key\"},\"stringData\":{\"password\":\"first-c2VjcmV0\"}}"));
        String before = version(api.call("GET", SECRETS + "/key", ""));
        merge(SECRETS + "/key", "{\"stringData\":{\"password\":\"second-c2VjcmV0\"}}");

        for (String path : List.of(
                "changes?resource=secrets&name=key",
                "causes?resource=secret&name=key",
                "objects?resource=secrets&name=key&at=" + before,
                "objects?resource=secrets&at=" + before,
                "undo?resource=secrets&name=key")) {
            Answer refused = get(path, as("eve"));
            assertThat(refused.code()).as(path).isEqualTo(403);
            assertThat(refused.message()).contains("eve", "secrets");
        }
        assertThat(items("changes?since=1h", as("eve")))
                .isNotEmpty()
                .allMatch(each -> each.path("object").path("resource").asText().equals("configmaps"));
        assertThat(items("changes?since=1h&resource=secrets", as("eve"))).isEmpty();
    }

    @Test
    void keepsSecretsSealedAndShowsNoValues() throws Exception {
        ok(api.call("POST", SECRETS, "{\"metadata\":{\"name\":\"seal\"},\"stringData\":{\"password\":\"plain-one\"}}"));
        String first = version(api.call("GET", SECRETS + "/seal", ""));
        merge(SECRETS + "/seal", "{\"stringData\":{\"password\":\"plain-two\"}}");
        ok(api.call("DELETE", SECRETS + "/seal", ""));

        JsonNode changes = items("changes?resource=secrets&name=seal");
        assertThat(changes.toString()).contains("(hidden)", "data.password");
        for (String value : List.of("plain-one", "plain-two", "cGxhaW4tb25l", "cGxhaW4tdHdv")) {
            assertThat(changes.toString()).doesNotContain(value);
        }
        JsonNode then =
                ok(get("objects?resource=secrets&name=seal&at=" + first)).body();
        assertThat(then.path("data").path("password").asText()).isEqualTo("cGxhaW4tb25l");
    }

    @Test
    void showsObjectsAsTheyWereAlsoWhenTheStoreHasForgotten() throws Exception {
        String first = version(ok(api.call("POST", MAPS, map("past", "{\"a\":\"1\",\"list\":\"x\"}"))));
        String second = version(merge(MAPS + "/past", "{\"data\":{\"a\":\"2\",\"b\":\"3\"}}"));
        String third = version(merge(MAPS + "/past", "{\"data\":{\"list\":null}}"));
        ok(api.call("DELETE", MAPS + "/past", ""));
        ok(api.call("POST", MAPS, map("past", "{\"again\":\"1\"}")));

        JsonNode stored = ok(get("objects?resource=cm&name=past&at=" + second)).body();
        assertThat(stored.path("metadata").has("managedFields")).isTrue();
        api.compact();
        assertThat(api.call("GET", MAPS + "?resourceVersion=" + second + "&resourceVersionMatch=Exact", "")
                        .code())
                .isEqualTo(410);
        JsonNode journal = ok(get("objects?resource=cm&name=past&at=" + second)).body();
        assertThat(journal.path("metadata").has("managedFields")).isFalse();
        assertThat(journal.path("data")).isEqualTo(stored.path("data"));
        assertThat(journal.path("metadata").path("uid"))
                .isEqualTo(stored.path("metadata").path("uid"));
        assertThat(journal.path("metadata").path("resourceVersion").asText()).isEqualTo(second);
        assertThat(ok(get("objects?resource=cm&name=past&at=" + first)).body().path("data"))
                .hasToString("{\"a\":\"1\",\"list\":\"x\"}");
        assertThat(ok(get("objects?resource=cm&name=past&at=" + third)).body().path("data"))
                .hasToString("{\"a\":\"2\",\"b\":\"3\"}");
        assertThat(ok(get("objects?resource=cm&name=past&at=0s")).body().path("data"))
                .hasToString("{\"again\":\"1\"}");
        JsonNode list =
                ok(get("objects?resource=cm&namespace=default&at=" + third)).body();
        assertThat(list.path("kind").asText()).isEqualTo("ConfigMapList");
        assertThat(list.path("items"))
                .anyMatch(each -> each.path("data").toString().equals("{\"a\":\"2\",\"b\":\"3\"}"));
        assertThat(get("objects?resource=cm&name=past&at=1").code()).isEqualTo(404);
        Answer early = get("objects?resource=cm&name=past&at=2000-01-01T00:00:00Z");
        assertThat(early.code()).isEqualTo(410);
        assertThat(early.message()).contains("2000-01-01T00:00:00Z is no longer known", "the journal begins at");
    }

    @Test
    void undoesTheNewestChange() throws Exception {
        ok(api.call("POST", MAPS, map("undo", "{\"a\":\"1\"}")));
        merge(MAPS + "/undo", "{\"data\":{\"a\":\"2\"}}");
        JsonNode plan = ok(get("undo?resource=cm&name=undo")).body();
        assertThat(plan.path("action").asText()).isEqualTo("update");
        assertThat(plan.path("conflicts")).isEmpty();
        assertThat(plan.path("diff")).hasToString("[{\"field\":\"data.a\",\"before\":\"2\",\"after\":\"1\"}]");
        Answer done = ok(api.call(
                "PUT",
                plan.path("collection").asText() + "/undo",
                plan.path("object").toString()));
        assertThat(done.body().path("data")).hasToString("{\"a\":\"1\"}");
        assertThat(items("changes?resource=cm&name=undo")).hasSize(3);
        // The newest change is the undoing now.
        assertThat(ok(get("undo?resource=cm&name=undo")).body().path("diff"))
                .hasToString("[{\"field\":\"data.a\",\"before\":\"1\",\"after\":\"2\"}]");
    }

    @Test
    void undoesADeletionAndACreation() throws Exception {
        ok(api.call("POST", MAPS, map("gone", "{\"a\":\"1\"}")));
        assertThat(ok(get("undo?resource=cm&name=gone")).body().path("action").asText())
                .isEqualTo("delete");
        ok(api.call("DELETE", MAPS + "/gone", ""));
        JsonNode plan = ok(get("undo?resource=cm&name=gone")).body();
        assertThat(plan.path("action").asText()).isEqualTo("create");
        Answer made = ok(api.call(
                "POST", plan.path("collection").asText(), plan.path("object").toString()));
        assertThat(made.body().path("data")).hasToString("{\"a\":\"1\"}");
    }

    @Test
    void namesChangesOfOthersThatWouldBeLost() throws Exception {
        String first = version(ok(api.call("POST", MAPS, map("others", "{\"a\":\"1\",\"b\":\"1\"}"))));
        String second = version(merge(MAPS + "/others", "{\"data\":{\"a\":\"2\"}}"));
        String third = version(merge(MAPS + "/others", "{\"data\":{\"b\":\"2\"}}", as("bob")));
        JsonNode back = ok(get("undo?resource=cm&name=others&to=" + first)).body();
        assertThat(back.path("conflicts")).hasSize(1);
        assertThat(back.path("conflicts").get(0).path("resourceVersion").asText())
                .isEqualTo(third);
        assertThat(back.path("object").path("data")).hasToString("{\"a\":\"1\",\"b\":\"1\"}");

        JsonNode alone =
                ok(get("undo?resource=cm&name=others&change=" + second)).body();
        assertThat(alone.path("conflicts")).isEmpty();
        assertThat(alone.path("object").path("data")).hasToString("{\"a\":\"1\",\"b\":\"2\"}");

        merge(MAPS + "/others", "{\"data\":{\"a\":\"3\"}}", as("bob"));
        assertThat(ok(get("undo?resource=cm&name=others&change=" + second))
                        .body()
                        .path("conflicts"))
                .hasSize(1);
        assertThat(get("undo?resource=cm&name=others&change=" + second + "&to=" + first)
                        .code())
                .isEqualTo(400);
    }

    @Test
    void walksBackFromWhatAControllerDidToThePersonWhoSetItOff() throws Exception {
        ok(api.call("POST", "/api/v1/namespaces", "{\"metadata\":{\"name\":\"fresh\"}}", "User-Agent", "kubectl/v1"));
        String account = "causes?resource=sa&namespace=fresh&name=default";
        Answer causes = api.await(200, "GET", HISTORY + account, "");
        JsonNode change = causes.body().path("change");
        assertThat(change.path("user").asText()).isEqualTo("system:kube-controller-manager");
        JsonNode because = change.path("because").get(0);
        assertThat(because.path("resource").asText()).isEqualTo("namespaces");
        assertThat(because.path("change").path("user").asText()).isEqualTo("admin");
        assertThat(because.path("change").path("userAgent").asText()).isEqualTo("kubectl/v1");
        assertThat(because.path("change").path("because")).isEmpty();
    }

    @Test
    void walksBackOverSeveralObjects() throws Exception {
        Answer owner = ok(api.call("POST", MAPS, map("owner", "{}")));
        String reference =
                ",\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"name\":\"%s\",\"uid\":\"%s\"}]}}";
        Answer child = ok(api.call(
                "POST",
                MAPS,
                "{\"metadata\":{\"name\":\"child\""
                        + reference.formatted(
                                "owner",
                                owner.body().path("metadata").path("uid").asText())));
        ok(api.call(
                "POST",
                MAPS,
                "{\"metadata\":{\"name\":\"grandchild\""
                        + reference.formatted(
                                "child",
                                child.body().path("metadata").path("uid").asText())));
        ok(api.call("DELETE", MAPS + "/owner", "", as("bob")));
        Answer unused = api.await(404, "GET", MAPS + "/grandchild", "");
        JsonNode change = ok(get("causes?resource=cm&name=grandchild")).body().path("change");
        List<String> names = new ArrayList<>();
        while (change.isObject()) {
            names.add(change.path("object").path("name").asText() + " by "
                    + change.path("user").asText());
            change = change.path("because").path(0).path("change");
        }
        assertThat(names)
                .startsWith("grandchild by system:kube-controller-manager")
                .contains("child by system:kube-controller-manager")
                .endsWith("owner by bob");
    }
}
