package dev.coppice.schema.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Json;
import dev.coppice.schema.Schema;
import java.time.Instant;
import java.util.List;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Follows the recordings of server-side apply made with kube-apiserver 1.32. */
class FieldManagerTest {
    private static final Schema WIDGET = Schema.ofResource(Json.of("""
            {type:'object',properties:{spec:{type:'object',properties:{color:{type:'string'},
            replicas:{type:'integer',default:1},note:{type:'string'},tags:{type:'object',additionalProperties:{type:'string'}},
            ports:{type:'array','x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':['name'],
              items:{type:'object',required:['name'],properties:{name:{type:'string'},port:{type:'integer'}}}},
            owners:{type:'array','x-kubernetes-list-type':'set',items:{type:'string'}},
            args:{type:'array',items:{type:'string'}}}}}}"""));
    private static final FieldManager MANAGER = FieldManager.of("g/v1", WIDGET);

    private @Nullable ObjectNode live;
    private Instant now = Instant.parse("2026-01-01T00:00:00Z");

    private JsonNode apply(String manager, String spec) {
        return apply(manager, spec, false);
    }

    private JsonNode apply(String manager, String spec, boolean force) {
        now = now.plusSeconds(1);
        ObjectNode result = MANAGER.apply(live, widget(spec), manager, force, now);
        WIDGET.applyDefaults(result);
        live = result;
        return result.path("spec");
    }

    private static ObjectNode widget(String spec) {
        return Json.object("{apiVersion:'g/v1',kind:'Widget',metadata:{name:'a'},spec:" + spec + "}");
    }

    private List<String> owners() {
        return StreamSupport.stream(
                        FieldManager.managedFields(live == null ? widget("{}") : live)
                                .spliterator(),
                        false)
                .map(e -> e.path("manager").asText() + " " + e.path("operation").asText() + " " + e.path("fieldsV1"))
                .sorted()
                .toList();
    }

    @Test
    void noChangeKeepsTheObject() {
        apply("m1", "{color:'red',tags:{x:'1'}}");
        ObjectNode before = live;
        apply("m1", "{color:'red',tags:{x:'1'}}");
        assertThat(live).isEqualTo(before);
    }

    @Test
    void conflictsNameManagersAndFields() {
        apply("m1", "{color:'red',tags:{x:'1'}}");
        assertThatThrownBy(() -> apply("m2", "{color:'blue'}"))
                .isInstanceOf(ApplyConflictException.class)
                .hasMessage("Apply failed with 1 conflict: conflict with \"m1\": .spec.color");
        apply("m2", "{color:'red'}");
        assertThatThrownBy(() -> apply("m3", "{color:'blue',tags:{x:'2'}}"))
                .hasMessage("Apply failed with 3 conflicts: conflicts with \"m1\":\n- .spec.color\n- .spec.tags.x\n"
                        + "conflicts with \"m2\":\n- .spec.color");
        apply("m3", "{color:'blue'}", true);
        assertThat(owners())
                .containsExactly(
                        "m1 Apply {\"f:spec\":{\"f:tags\":{\"f:x\":{}}}}", "m3 Apply {\"f:spec\":{\"f:color\":{}}}");
    }

    @Test
    void listsMergeByKey() {
        apply("m1", "{ports:[{name:'http',port:80},{name:'dns',port:53}]}");
        assertThat(apply("m2", "{ports:[{name:'https',port:443}]}"))
                .isEqualTo(Json.of(
                        "{ports:[{name:'http',port:80},{name:'dns',port:53},{name:'https',port:443}],replicas:1}"));
        String both = "{ports:[{name:'https',port:443},{name:'http',port:8080}]}";
        assertThatThrownBy(() -> apply("m2", both))
                .hasMessage("Apply failed with 1 conflict: conflict with \"m1\": .spec.ports[name=\"http\"].port");
        String forced = "{ports:[{name:'dns',port:53},{name:'https',port:443},{name:'http',port:8080}],replicas:1}";
        assertThat(apply("m2", both, true)).isEqualTo(Json.of(forced));
        assertThat(apply("m1", "{ports:[{name:'dns',port:53}]}")).isEqualTo(Json.of(forced));
        assertThat(apply("m2", "{ports:[{name:'http'}]}"))
                .isEqualTo(Json.of("{ports:[{name:'dns',port:53},{name:'http'}],replicas:1}"));
        assertThat(owners())
                .containsExactly(
                        "m1 Apply {\"f:spec\":{\"f:ports\":{\"k:{\\\"name\\\":\\\"dns\\\"}\":{\".\":{},\"f:name\":{},\"f:port\":{}}}}}",
                        "m2 Apply {\"f:spec\":{\"f:ports\":{\"k:{\\\"name\\\":\\\"http\\\"}\":{\".\":{},\"f:name\":{}}}}}");
        assertThatThrownBy(() -> apply("m3", "{ports:[{name:'dns'},{name:'dns'}]}"))
                .hasMessage(
                        "failed to create typed patch object (/a; g/v1, Kind=Widget): .spec.ports: duplicate entries for key [name=\"dns\"]");
        assertThatThrownBy(() -> apply("m3", "{ports:[{port:1}]}"))
                .hasMessage(
                        "failed to create typed patch object (/a; g/v1, Kind=Widget): .spec.ports: element 0: "
                                + "associative list with keys has an element that omits key field \"name\" (and doesn't have default value)");
        assertThat(apply("m1", "{}")).isEqualTo(Json.of("{ports:[{name:'http'}],replicas:1}"));
        assertThat(owners().getFirst()).isEqualTo("m1 Apply {\"f:spec\":{}}");
    }

    @Test
    void setsMergeAndAtomicListsAreReplaced() {
        apply("m1", "{owners:['ann','bob'],args:['x'],tags:{k1:'1'}}");
        assertThat(apply("m2", "{owners:['bob','cid'],tags:{k2:'2'}}"))
                .isEqualTo(Json.of("{owners:['ann','bob','cid'],args:['x'],tags:{k1:'1',k2:'2'},replicas:1}"));
        assertThat(apply("m1", "{owners:['ann'],args:['x'],tags:{k1:'1'}}").path("owners"))
                .isEqualTo(Json.of("['ann','bob','cid']"));
        assertThatThrownBy(() -> apply("m2", "{owners:['bob','cid'],args:['y'],tags:{k1:'other'}}"))
                .hasMessage("Apply failed with 2 conflicts: conflicts with \"m1\":\n- .spec.args\n- .spec.tags.k1");
        assertThat(apply("m2", "{args:['y'],tags:{k1:'other'}}", true))
                .isEqualTo(Json.of("{owners:['ann'],args:['y'],tags:{k1:'other'},replicas:1}"));
        assertThat(owners())
                .containsExactly(
                        "m1 Apply {\"f:spec\":{\"f:owners\":{\"v:\\\"ann\\\"\":{}}}}",
                        "m2 Apply {\"f:spec\":{\"f:args\":{},\"f:tags\":{\"f:k1\":{}}}}");
        assertThatThrownBy(() -> apply("m3", "{owners:['dup','dup']}"))
                .hasMessageEndingWith(".spec.owners: duplicate entries for key [=\"dup\"]");
        assertThat(apply("m1", "{}")).isEqualTo(Json.of("{args:['y'],tags:{k1:'other'},replicas:1}"));
    }

    @Test
    void updatesOwnWhatTheyChange() {
        ObjectNode created = widget("{color:'red',note:'n',replicas:1,tags:{x:'1'}}");
        created.withObject("/metadata").withObject("annotations").put("k", "v");
        live = MANAGER.update(null, created, "csa", now);
        assertThat(owners())
                .containsExactly(
                        "csa Update {\"f:metadata\":{\"f:annotations\":{\".\":{},\"f:k\":{}}},"
                                + "\"f:spec\":{\".\":{},\"f:color\":{},\"f:note\":{},\"f:replicas\":{},\"f:tags\":{\".\":{},\"f:x\":{}}}}");
        ObjectNode changed = live.deepCopy();
        changed.withObject("/spec").put("color", "blue");
        live = MANAGER.update(live, changed, "hand", now.plusSeconds(5));
        assertThat(owners().getLast()).isEqualTo("hand Update {\"f:spec\":{\"f:color\":{}}}");
        assertThatThrownBy(() -> apply("m1", "{color:'green'}"))
                .hasMessage("Apply failed with 1 conflict: conflict with \"hand\" using g/v1: .spec.color");
    }

    @Test
    void unknownFieldsAreRefused() {
        assertThatThrownBy(() -> apply("m", "{zz:1}"))
                .hasMessage(
                        "failed to create typed patch object (/a; g/v1, Kind=Widget): .spec.zz: field not declared in schema");
    }

    @Test
    void finalizersAreShared() {
        ObjectNode one = widget("{}");
        one.withObject("/metadata").putArray("finalizers").add("e.dev/a");
        ObjectNode two = widget("{}");
        two.withObject("/metadata").putArray("finalizers").add("e.dev/b");
        live = MANAGER.apply(null, one, "m1", false, now);
        live = MANAGER.apply(live, two, "m2", false, now);
        assertThat(live.at("/metadata/finalizers")).isEqualTo(Json.of("['e.dev/a','e.dev/b']"));
        live = MANAGER.apply(live, widget("{}"), "m1", false, now);
        assertThat(live.at("/metadata/finalizers")).isEqualTo(Json.of("['e.dev/b']"));
        live = MANAGER.apply(live, widget("{}"), "m2", false, now);
        assertThat(live.at("/metadata").has("finalizers")).isFalse();
    }
}
