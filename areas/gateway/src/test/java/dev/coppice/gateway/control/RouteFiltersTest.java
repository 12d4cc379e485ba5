package dev.coppice.gateway.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.gateway.GatewayOptions;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.function.FunctionReading;
import dev.coppice.gateway.function.TestModules;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** HTTPRouteFilters: what rules that refer to them come to, and what is said of both. */
class RouteFiltersTest {
    private static final String GOOD = "Accepted=True/Accepted ResolvedRefs=True/ResolvedRefs";

    private final World world = new World()
            .service("default", "web", "{name: http, port: 80}", "10.0.0.1")
            .apply("""
                    kind: Gateway
                    metadata: {name: gate}
                    spec: {gatewayClassName: coppice, listeners: [{name: http, port: 80, protocol: HTTP}]}
                    """);

    private void filter(String name, String spec) {
        world.apply("kind: HTTPRouteFilter\nmetadata: {name: " + name + "}\nspec: " + spec);
    }

    private static final FunctionReading RUNS = new FunctionReading(FunctionReading.State.RUNS, null, false);

    private static String named(String name) {
        return "{type: ExtensionRef, extensionRef: {group: gateway.coppice.dev, kind: HTTPRouteFilter, name: " + name
                + "}}";
    }

    private void route(String name, String filters) {
        world.apply("kind: HTTPRoute\nmetadata: {name: " + name
                + "}\nspec: {parentRefs: [{name: gate}], rules: [{filters: [" + filters
                + "], backendRefs: [{name: web, port: 80}]}]}");
    }

    private static RuleConfig rule(World.Outcome outcome, String route) {
        return outcome.served("http").routes().stream()
                .filter(each -> each.name().equals(route))
                .findFirst()
                .orElseThrow()
                .rules()
                .getFirst();
    }

    private static String said(World.Outcome outcome, String filter) {
        return World.Outcome.text(((Draft.OfFilter) outcome.draft("HTTPRouteFilter", filter)).conditions());
    }

    private static String message(World.Outcome outcome, String filter) {
        return outcome.draft("HTTPRouteFilter", filter).toString();
    }

    @Test
    void aRuleHasTheFilterThatItNames(@TempDir Path directory) throws Exception {
        filter("stamp", "{pathTemplate: '/a/{b}', requestHeaderModifier: {set: [{name: X-B, value: '{path.b}'}]}}");
        route("shop", named("stamp"));
        World.Outcome outcome = world.translate();
        assertThat(outcome.parent("shop")).isEqualTo(GOOD);
        assertThat(said(outcome, "stamp")).isEqualTo(GOOD);
        assertThat(rule(outcome, "shop").invalid()).isNull();
        assertThat(rule(outcome, "shop").filters()).containsExactly(new FilterConfig.Named("default/stamp"));
        RouteFilterConfig config = outcome.config().filters().getFirst();
        assertThat(config.name()).isEqualTo("default/stamp");
        assertThat(config.request().set()).containsExactly(new FilterConfig.Header("X-B", "{path.b}"));
        SavedConfig saved = World.saved(directory.resolve("config.json"));
        saved.write(outcome.config());
        assertThat(saved.read()).contains(outcome.config());
    }

    @Test
    void callsOfGrpcAndBackendsHaveThem() {
        filter("stamp", "{responseHeaderModifier: {set: [{name: A, value: b}]}}");
        world.apply("kind: GRPCRoute\nmetadata: {name: calls}\nspec: {parentRefs: [{name: gate}], rules: [{filters: ["
                + named("stamp") + "], backendRefs: [{name: web, port: 80, filters: [" + named("gone") + "]}]}]}");
        World.Outcome outcome = world.translate();
        assertThat(outcome.parents("GRPCRoute", "calls"))
                .containsExactly("Accepted=True/Accepted ResolvedRefs=False/FilterNotFound");
        assertThat(rule(outcome, "calls").invalid()).isNull();
        assertThat(rule(outcome, "calls").backends().getFirst().upstream()).isEmpty();
    }

    @Test
    void aRuleWithoutItsFilterIsNotServed() {
        route("shop", named("late"));
        World.Outcome outcome = world.translate();
        assertThat(outcome.parent("shop")).isEqualTo("Accepted=True/Accepted ResolvedRefs=False/FilterNotFound");
        assertThat(rule(outcome, "shop").invalid()).contains("HTTPRouteFilter default/late does not exist");
        filter("late", "{directResponse: {}}");
        outcome = world.translate();
        assertThat(outcome.parent("shop")).isEqualTo(GOOD);
        assertThat(rule(outcome, "shop").invalid()).isNull();
        filter("late", "{directResponse: {body: {inline: '{nobody}', template: true}}}");
        outcome = world.translate();
        assertThat(outcome.parent("shop")).isEqualTo("Accepted=True/Accepted ResolvedRefs=False/InvalidFilter");
        assertThat(said(outcome, "late")).isEqualTo("Accepted=False/Invalid ResolvedRefs=True/ResolvedRefs");
        assertThat(outcome.config().filters()).isEmpty();
        world.remove("HTTPRouteFilter", "default", "late");
        assertThat(world.translate().parent("shop"))
                .isEqualTo("Accepted=True/Accepted ResolvedRefs=False/FilterNotFound");
    }

    @Test
    void allFaultsAreToldTogether() {
        filter("bad", """
                {when: 'request.nothing', pathTemplate: '/a/{', requestHeaderModifier: {set: [{name: Host, value: a}, {name: A, value: '{nobody}'}], remove: [Content-Length]}, \
                responseHeaderModifier: {add: [{name: Transfer-Encoding, value: a}]}, \
                urlRewrite: {hostname: {type: Template, template: '{'}, path: {type: ReplaceRegexMatch, replaceRegexMatch: {pattern: '(', substitution: a}}}}""");
        filter("worse", """
                {urlRewrite: {path: {type: ReplaceRegexMatch, replaceRegexMatch: {pattern: '((a{500}){500})', substitution: a}}}}""");
        filter("worst", "{urlRewrite: {path: {type: ReplaceTemplate, replaceTemplate: '/a/../{path.b}'}}}");
        filter("dots", "{urlRewrite: {path: {type: ReplaceTemplate, replaceTemplate: '/a/../b c'}}}");
        filter("group", """
                {urlRewrite: {path: {type: ReplaceRegexMatch, replaceRegexMatch: {pattern: a, substitution: '\\1'}}}}""");
        World.Outcome outcome = world.translate();
        assertThat(message(outcome, "bad"))
                .contains(
                        "when: ",
                        "pathTemplate: the path /a/{",
                        "requestHeaderModifier.set: Host is the gateway's own",
                        "requestHeaderModifier.set[A]: {nobody}: there is no such field",
                        "requestHeaderModifier.remove: Content-Length",
                        "responseHeaderModifier.add: Transfer-Encoding",
                        "urlRewrite.hostname: ",
                        "urlRewrite.path.replaceRegexMatch.pattern: the regular expression (");
        assertThat(message(outcome, "worse")).contains("repeats too much");
        assertThat(message(outcome, "worst")).contains("pathTemplate has no such field");
        assertThat(message(outcome, "dots")).contains("no . or .. between slashes");
        assertThat(message(outcome, "group")).contains("the pattern's 0 groups");
    }

    @Test
    void whatNoRuleRefersToIsToldOfAndNotServed() {
        filter("idle", "{directResponse: {statusCode: 204}}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "idle")).isEqualTo(GOOD);
        assertThat(outcome.config().filters()).isEmpty();
        route("shop", named("idle"));
        assertThat(world.translate().config().filters()).hasSize(1);
    }

    @Test
    void bodiesAndFilesComeFromConfigMaps() {
        filter("page", "{directResponse: {body: {type: ValueRef, valueRef: {name: site, key: a.html}}}}");
        filter("site", "{files: {configMap: {name: site}, precompressed: [Zstd, Gzip]}}");
        filter("some", "{files: {configMap: {name: site, items: [{key: a.html, path: x/y.html}, {key: b, path: b}]}}}");
        for (String each : new String[] {"page", "site", "some"}) {
            route(each, named(each));
        }
        World.Outcome outcome = world.translate();
        for (String each : new String[] {"page", "site", "some"}) {
            assertThat(said(outcome, each)).isEqualTo("Accepted=True/Accepted ResolvedRefs=False/ConfigMapNotFound");
        }
        world.apply("kind: ConfigMap\nmetadata: {name: site}\ndata: {a.html: one}\nbinaryData: {b.png: AQID}");
        outcome = world.translate();
        assertThat(said(outcome, "some")).isEqualTo("Accepted=True/Accepted ResolvedRefs=False/InvalidReference");
        assertThat(message(outcome, "some")).contains("lacks the entries b");
        assertThat(outcome.config().filters()).hasSize(2);
        assertThat(outcome.config().filters())
                .anyMatch(each -> each.direct() != null && each.direct().body().equals("one"))
                .anyMatch(each -> each.files() != null
                        && each.files().entries().equals(java.util.Map.of("a.html", "b25l", "b.png", "AQID"))
                        && each.files().precompressed().toString().equals("[ZSTD, GZIP]"));
        world.apply("kind: ConfigMap\nmetadata: {name: site}\ndata: {a.html: two, b: three}");
        outcome = world.translate();
        assertThat(outcome.config().filters())
                .hasSize(3)
                .anyMatch(each -> each.direct() != null && each.direct().body().equals("two"))
                .anyMatch(each -> each.files() != null && each.files().entries().containsKey("x/y.html"));
        world.apply("kind: ConfigMap\nmetadata: {name: site}\ndata: {a.html: " + "x".repeat(65_537) + "}");
        assertThat(message(world.translate(), "page")).contains("65537 characters; a body may have 65536");
    }

    private static String text(World.Outcome outcome, String filter) {
        return outcome.config().filters().stream()
                .filter(each -> each.name().equals("default/" + filter))
                .findFirst()
                .orElseThrow()
                .files()
                .entries()
                .get("a.html");
    }

    @Test
    void whatSeveralFiltersHaveOfAConfigMapIsThereOnce() {
        world.apply("kind: ConfigMap\nmetadata: {name: site}\ndata: {a.html: one, b: two}");
        filter("first", "{files: {configMap: {name: site}}}");
        route("first", named("first"));
        filter("second", "{files: {configMap: {name: site, items: [{key: a.html, path: a.html}]}}}");
        route("second", named("second"));
        World.Outcome outcome = world.translate();
        assertThat(text(outcome, "second")).isEqualTo("b25l").isSameAs(text(outcome, "first"));
        String before = text(outcome, "first");
        outcome = world.translate();
        // Also for one that comes later.
        filter("third", "{files: {configMap: {name: site}}}");
        route("third", named("third"));
        assertThat(text(world.translate(), "third")).isSameAs(before);
    }

    @Test
    void allConfigMapsOfFiltersTogetherAreBounded() {
        World small = new World(new GatewayOptions(List.of("127.0.0.1")), Capabilities.NOW, 20);
        small.apply("""
                kind: Gateway
                metadata: {name: gate}
                spec: {gatewayClassName: coppice, listeners: [{name: http, port: 80, protocol: HTTP}]}
                """);
        for (String each : new String[] {"a", "b"}) {
            small.apply("kind: ConfigMap\nmetadata: {name: " + each + "}\ndata: {text: '123456789'}");
            small.apply("kind: HTTPRouteFilter\nmetadata: {name: " + each + "}\nspec: {files: {configMap: {name: "
                    + each + "}}}");
            small.apply("kind: HTTPRouteFilter\nmetadata: {name: " + each + "2}\nspec: {files: {configMap: {name: "
                    + each + "}, index: text}}");
            small.apply("kind: HTTPRoute\nmetadata: {name: " + each
                    + "}\nspec: {parentRefs: [{name: gate}], rules: [{filters: [" + named(each) + "]}]}");
        }
        World.Outcome outcome = small.translate();
        assertThat(said(outcome, "a")).isEqualTo(GOOD);
        assertThat(said(outcome, "a2")).isEqualTo(GOOD);
        assertThat(said(outcome, "b")).isEqualTo("Accepted=True/Accepted ResolvedRefs=False/NoRoom");
        assertThat(message(outcome, "b"))
                .contains(
                        "files.configMap: the ConfigMaps of all filters would have 24 characters in base64",
                        "room for 20");
        assertThat(outcome.parent("b")).isEqualTo("Accepted=True/Accepted ResolvedRefs=False/InvalidFilter");
        small.remove("HTTPRouteFilter", "default", "a");
        assertThat(said(small.translate(), "b")).contains("NoRoom");
        small.remove("HTTPRouteFilter", "default", "a2");
        assertThat(said(small.translate(), "b")).isEqualTo(GOOD);
    }

    @Test
    void filtersOfExtensionsSayWhatIsWrong(@TempDir Path directory) throws Exception {
        filter("good", "{extension: {name: Test, config: {a: [1]}, timeout: 500ms, failOpen: true}}");
        route("good", named("good"));
        filter("gone", "{extension: {name: None}}");
        filter("wrong", "{extension: {name: Test, config: {wrong: 1}}}");
        filter("crash", "{extension: {name: Test, config: {crash: 1}}}");
        filter("long", "{extension: {name: Test, config: {a: " + "x".repeat(65_536) + "}}}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "good")).isEqualTo(GOOD);
        RouteFilterConfig.Extension extension =
                outcome.config().filters().getFirst().extension();
        assertThat(extension.name()).isEqualTo("Test");
        assertThat(extension.config()).isEqualTo("{\"a\":[1]}");
        assertThat(extension.timeoutMillis()).isEqualTo(500);
        assertThat(extension.maxConcurrent()).isEqualTo(256);
        assertThat(extension.failOpen()).isTrue();
        assertThat(message(outcome, "gone")).contains("no extension has the filter None; expected one of Test");
        assertThat(message(outcome, "wrong"))
                .contains("extension.config: wrong: it is; extension.config: wrong: it is indeed");
        assertThat(message(outcome, "crash")).contains("the extension cannot read it: java.lang.IllegalStateException");
        assertThat(message(outcome, "long")).contains("more than 65536 characters");
        SavedConfig saved = World.saved(directory.resolve("config.json"));
        saved.write(outcome.config());
        assertThat(saved.read()).contains(outcome.config());
    }

    @Test
    void functionsSayWhatIsWrong(@TempDir Path directory) throws Exception {
        String module = Base64.getEncoder().encodeToString(TestModules.guest());
        world.apply("kind: ConfigMap\nmetadata: {name: modules}\ndata: {text.wasm: text}\nbinaryData: {good.wasm: "
                + module + ", none.wasm: AQID, odd.wasm: A}");
        filter("good", function("good.wasm") + ", config: {a: [1]}, timeout: 500ms, maxBodyBytes: 5, failOpen: true}}");
        route("good", named("good"));
        filter("text", function("good.wasm") + ", config: plain}}");
        route("text", named("text"));
        filter("gone", "{function: {module: {configMap: {name: other}}}}");
        filter("missing", function("text.wasm") + "}}");
        filter("odd", function("odd.wasm") + "}}");
        world.functions = Map.of("default/good", RUNS, "default/text", RUNS);
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "good")).isEqualTo(GOOD);
        assertThat(outcome.config().filters())
                .extracting(RouteFilterConfig::function)
                .containsExactlyInAnyOrder(
                        new RouteFilterConfig.Function(module, "{\"a\":[1]}", 500, 16 << 20, 5, 256, true),
                        new RouteFilterConfig.Function(module, "plain", 1000, 16 << 20, 1 << 20, 256, false));
        assertThat(message(outcome, "gone")).contains("ConfigMapNotFound", "ConfigMap default/other does not exist");
        assertThat(message(outcome, "missing"))
                .contains("InvalidReference", "lacks the entry text.wasm in its binaryData");
        assertThat(message(outcome, "odd")).contains("InvalidModule", "is not in base64");
        SavedConfig saved = World.saved(directory.resolve("config.json"));
        saved.write(outcome.config());
        assertThat(saved.read()).contains(outcome.config());
    }

    /** What the data plane finds out later stands in statuses as what is found out here. */
    @Test
    void functionsThatTheDataPlaneCannotRunAreTold() {
        world.apply("kind: ConfigMap\nmetadata: {name: modules}\nbinaryData: {bad.wasm: AGFzbQEAAAA=}");
        filter("bad", function("bad.wasm") + "}}");
        route("bad", named("bad"));
        world.apply("kind: HTTPRoute\nmetadata: {name: twice}\nspec: {parentRefs: [{name: gate}], rules: ["
                + "{matches: [{path: {value: /a}}], backendRefs: [{name: web, port: 80}]}, {filters: [" + named("bad")
                + "], backendRefs: [{name: web, port: 80, filters: [" + named("bad") + "]}]}]}");
        World.Outcome outcome = world.translate();
        assertThat(said(outcome, "bad")).isEqualTo("Accepted=True/Accepted ResolvedRefs=Unknown/Pending");
        assertThat(outcome.parent("bad")).isEqualTo(GOOD);
        world.functions = Map.of(
                "default/bad",
                new FunctionReading(FunctionReading.State.INVALID, "the module cannot be compiled: too large", false));
        outcome = world.translate();
        assertThat(said(outcome, "bad")).isEqualTo("Accepted=True/Accepted ResolvedRefs=False/InvalidModule");
        assertThat(message(outcome, "bad"))
                .contains(
                        "function.module.configMap: the entry bad.wasm of ConfigMap default/modules is no module for a function: the module cannot be compiled: too large",
                        "are answered with 500");
        assertThat(outcome.parent("bad")).isEqualTo("Accepted=True/Accepted ResolvedRefs=False/InvalidFilter");
        assertThat(outcome.draft("HTTPRoute", "bad").toString())
                .contains("rules[0]: HTTPRouteFilter default/bad cannot be run: function.module.configMap: the entry");
        assertThat(outcome.draft("HTTPRoute", "twice").toString()).contains("rules[1]: ", "and 1 further problems");
        // The data plane has it as before: otherwise it would forget what is wrong.
        assertThat(outcome.config().filters()).hasSize(1);
        assertThat(rule(outcome, "bad").invalid()).isNull();
        world.functions =
                Map.of("default/bad", new FunctionReading(FunctionReading.State.NO_ROOM, "would have 2 bytes", true));
        outcome = world.translate();
        assertThat(said(outcome, "bad")).isEqualTo("Accepted=True/Accepted ResolvedRefs=False/NoRoom");
        assertThat(message(outcome, "bad"))
                .contains("finds no room: would have 2 bytes; until that is mended, the one before goes on")
                .doesNotContain("500");
        world.functions = Map.of("default/bad", RUNS);
        outcome = world.translate();
        assertThat(said(outcome, "bad")).isEqualTo(GOOD);
        assertThat(outcome.parent("bad")).isEqualTo(GOOD);
    }

    @Test
    void functionsAreCompiledBeforeARuleRefersToThem() {
        world.apply("kind: ConfigMap\nmetadata: {name: modules}\nbinaryData: {good.wasm: AGFzbQEAAAA=}");
        filter("a-idle", function("good.wasm") + "}}");
        filter("used", function("good.wasm") + "}}");
        route("good", named("used"));
        assertThat(world.translate().config().filters())
                .extracting(RouteFilterConfig::name)
                .containsExactly("default/used", "default/a-idle");
    }

    private static String function(String key) {
        return "{function: {module: {configMap: {name: modules, key: " + key + "}}";
    }

    @Test
    void filesOfTheMachineAreTheOperators() {
        filter("site", "{files: {directory: public}}");
        assertThat(message(world.translate(), "site"))
                .contains("files.directory: the operator of this gateway has not");
    }

    @Test
    void aPathIsRewrittenInOneWay() {
        filter("path", "{urlRewrite: {path: {type: ReplaceTemplate, replaceTemplate: '/v2{path}'}}}");
        route(
                "shop",
                named("path")
                        + ", {type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /x}}}");
        World.Outcome outcome = world.translate();
        assertThat(outcome.parent("shop")).isEqualTo("Accepted=True/Accepted ResolvedRefs=False/IncompatibleFilters");
        assertThat(rule(outcome, "shop").invalid()).contains("cannot both change the path");
        route("shop", named("path") + ", {type: URLRewrite, urlRewrite: {hostname: a.org}}");
        assertThat(world.translate().parent("shop")).isEqualTo(GOOD);
    }

    @Test
    void theStatusSaysIt() throws Exception {
        ObjectNode object = (ObjectNode)
                new ObjectMapper()
                        .readTree(
                                "{\"kind\":\"HTTPRouteFilter\",\"metadata\":{\"generation\":1,\"resourceVersion\":\"5\"},\"spec\":{}}");
        ObjectNode patch = StatusPatches.patch(
                object,
                new Draft.OfFilter(1, java.util.List.of(Draft.Condition.no("Accepted", "Invalid", "when: wrong"))),
                Instant.EPOCH);
        assertThat(patch.at("/status/conditions/0/message").asText()).isEqualTo("when: wrong");
    }
}
