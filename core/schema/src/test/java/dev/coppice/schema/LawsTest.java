package dev.coppice.schema;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.apply.ApplyConflictException;
import dev.coppice.schema.apply.FieldManager;
import dev.coppice.schema.patch.MergePatch;
import dev.coppice.schema.patch.StrategicMergePatch;
import java.time.Instant;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** Laws that hold for all trees. */
class LawsTest {
    private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
    private static final Instant NOW = Instant.parse("2026-01-01T00:00:00Z");
    private static final Schema THING = Schema.ofResource(Json.of("""
            {type:'object',properties:{spec:{type:'object',default:{},properties:{
            a:{type:'string',default:'x'},n:{type:'integer'},
            tags:{type:'object',additionalProperties:{type:'string'}},
            set:{type:'array','x-kubernetes-list-type':'set',items:{type:'string'}},
            list:{type:'array',items:{type:'string'}},
            map:{type:'array','x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':['k'],
              'x-kubernetes-patch-strategy':'merge','x-kubernetes-patch-merge-key':'k',
              items:{type:'object',required:['k'],properties:{k:{type:'string'},v:{type:'integer'},d:{type:'integer',default:1}}}}}}}}"""));
    private static final FieldManager MANAGER = FieldManager.of("g/v1", THING);

    @Provide
    Arbitrary<ObjectNode> things() {
        Arbitrary<String> words = Arbitraries.of("a", "b", "c", "d");
        Arbitrary<ObjectNode> specs = Combinators.combine(
                        words.injectNull(0.5),
                        Arbitraries.integers().between(0, 3).injectNull(0.5),
                        Arbitraries.maps(words, words).ofMaxSize(3).injectNull(0.4),
                        words.list().uniqueElements().ofMaxSize(4).injectNull(0.4),
                        words.list().ofMaxSize(3).injectNull(0.4),
                        Arbitraries.maps(words, Arbitraries.integers().between(0, 2))
                                .ofMaxSize(4)
                                .injectNull(0.4))
                .as((a, n, tags, set, list, map) -> {
                    ObjectNode spec = JSON.objectNode();
                    if (a != null) {
                        spec.put("a", a);
                    }
                    if (n != null) {
                        spec.put("n", n);
                    }
                    if (tags != null) {
                        tags.forEach(spec.putObject("tags")::put);
                    }
                    if (set != null) {
                        set.forEach(spec.putArray("set")::add);
                    }
                    if (list != null) {
                        list.forEach(spec.putArray("list")::add);
                    }
                    if (map != null) {
                        var items = spec.putArray("map");
                        map.forEach((k, v) -> items.addObject().put("k", k).put("v", v));
                    }
                    return spec;
                });
        return specs.map(spec -> {
            ObjectNode thing = Json.object("{apiVersion:'g/v1',kind:'Thing',metadata:{name:'x'}}");
            thing.set("spec", spec);
            return thing;
        });
    }

    @Provide
    Arbitrary<JsonNode> trees() {
        Arbitrary<JsonNode> leaves = Arbitraries.of(
                JSON.textNode("s"),
                JSON.numberNode(1),
                JSON.booleanNode(true),
                JSON.arrayNode().add(1));
        return Arbitraries.recursive(
                () -> leaves,
                inner -> Arbitraries.maps(Arbitraries.of("a", "spec", "map", "metadata", "zz"), inner)
                        .ofMaxSize(3)
                        .map(fields -> {
                            ObjectNode object = JSON.objectNode();
                            object.setAll(fields);
                            return object;
                        }),
                3);
    }

    @Property(tries = 300)
    void pruningTwiceIsPruningOnce(@ForAll("trees") JsonNode tree) {
        JsonNode copy = tree.deepCopy();
        List<String> unknown = THING.unknownFields(copy);
        assertThat(copy).isEqualTo(tree);
        assertThat(THING.prune(copy)).isEqualTo(unknown);
        assertThat(THING.prune(copy)).isEmpty();
    }

    @Property(tries = 300)
    void defaultingTwiceIsDefaultingOnce(@ForAll("things") ObjectNode thing) {
        THING.applyDefaults(thing);
        ObjectNode copy = thing.deepCopy();
        THING.applyDefaults(copy);
        assertThat(copy).isEqualTo(thing);
        assertThat(THING.validate(thing)).isEmpty();
    }

    @Property(tries = 300)
    void mergePatchesOfDifferencesRestore(@ForAll("things") ObjectNode a, @ForAll("things") ObjectNode b) {
        assertThat(MergePatch.apply(a, MergePatch.diff(a, b))).isEqualTo(b);
        assertThat(MergePatch.apply(a, b)).isEqualTo(MergePatch.apply(MergePatch.apply(a, b), b));
    }

    @Property(tries = 300)
    void strategicPatchesAreIdempotent(@ForAll("things") ObjectNode a, @ForAll("things") ObjectNode b) {
        ObjectNode once = StrategicMergePatch.apply(THING, a, b);
        assertThat(StrategicMergePatch.apply(THING, once, b)).isEqualTo(once);
        assertThat(StrategicMergePatch.apply(THING, a, JSON.objectNode())).isEqualTo(a);
    }

    @Property(tries = 300)
    void applyingTwiceChangesNothing(@ForAll("things") ObjectNode a, @ForAll("things") ObjectNode b) {
        ObjectNode live = MANAGER.apply(null, a, "one", false, NOW);
        live = MANAGER.apply(live, b, "two", true, NOW.plusSeconds(1));
        ObjectNode again = MANAGER.apply(live, b, "two", false, NOW.plusSeconds(2));
        assertThat(again).isEqualTo(live);
    }

    @Property(tries = 300)
    void whatIsAppliedIsThere(@ForAll("things") ObjectNode a, @ForAll("things") ObjectNode b) {
        ObjectNode live = MANAGER.apply(null, a, "one", false, NOW);
        live = MANAGER.apply(live, b, "two", true, NOW.plusSeconds(1));
        for (String field : List.of("a", "n", "list")) {
            JsonNode wanted = b.path("spec").get(field);
            if (wanted != null) {
                assertThat(live.path("spec").get(field)).isEqualTo(wanted);
            }
        }
        assertThat(live.path("spec").path("tags").properties())
                .containsAll(b.path("spec").path("tags").properties());
        for (JsonNode item : b.path("spec").path("map")) {
            assertThat(live.path("spec").path("map")).contains(item);
        }
    }

    @Property(tries = 300)
    void soleAppliersReplaceTheirOwn(@ForAll("things") ObjectNode a, @ForAll("things") ObjectNode b) {
        ObjectNode direct = MANAGER.apply(null, b, "one", false, NOW);
        ObjectNode live = MANAGER.apply(null, a, "one", false, NOW);
        live = MANAGER.apply(live, b, "one", false, NOW.plusSeconds(1));
        assertThat(Values.same(withoutEmpties(live.path("spec")), withoutEmpties(direct.path("spec"))))
                .as("%s then %s gave %s", a, b, live)
                .isTrue();
    }

    /** Lists keep the order of earlier items, and empty collections may stay or go: neither matters here. */
    private static JsonNode withoutEmpties(JsonNode spec) {
        ObjectNode copy = JSON.objectNode();
        spec.properties().forEach(e -> {
            if (!e.getValue().isContainerNode() || !e.getValue().isEmpty()) {
                boolean associative = List.of("set", "map").contains(e.getKey());
                if (!associative) {
                    copy.set(e.getKey(), e.getValue());
                } else {
                    var sorted = copy.putArray(e.getKey());
                    e.getValue().valueStream().sorted(Values::compare).forEach(sorted::add);
                }
            }
        });
        return copy;
    }

    @Property(tries = 300)
    void sameValuesNeverConflict(@ForAll("things") ObjectNode a) {
        ObjectNode live = MANAGER.apply(null, a, "one", false, NOW);
        ObjectNode shared = MANAGER.apply(live, a, "two", false, NOW.plusSeconds(1));
        assertThat(shared.path("spec")).isEqualTo(live.path("spec"));
        ObjectNode left = MANAGER.apply(
                shared, Json.object("{apiVersion:'g/v1',kind:'Thing',metadata:{name:'x'}}"), "two", false, NOW);
        assertThat(left.path("spec")).isEqualTo(live.path("spec"));
    }

    @Property(tries = 300)
    void forceNeverConflicts(@ForAll("things") ObjectNode a, @ForAll("things") ObjectNode b) {
        ObjectNode live = MANAGER.update(null, a, "hand", NOW);
        ObjectNode forced = MANAGER.apply(live, b, "one", true, NOW.plusSeconds(1));
        try {
            ObjectNode unforced = MANAGER.apply(live, b, "one", false, NOW.plusSeconds(1));
            assertThat(unforced).isEqualTo(forced);
        } catch (ApplyConflictException e) {
            assertThat(e.causes()).isNotEmpty();
        }
    }
}
