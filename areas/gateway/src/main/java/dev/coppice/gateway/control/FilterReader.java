package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Resource;
import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.gateway.config.ContentConfig.Encoding;
import dev.coppice.gateway.config.FilterConfig.Header;
import dev.coppice.gateway.config.FilterConfig.HeaderChanges;
import dev.coppice.gateway.config.ReservedHeaders;
import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.expression.RequestExpression;
import dev.coppice.gateway.filter.FilterFactory;
import dev.coppice.gateway.filter.Filters;
import dev.coppice.gateway.kind.HttpRouteFilterSpec;
import dev.coppice.gateway.kind.HttpRouteFilterStatus;
import dev.coppice.gateway.kind.LocalReference;
import dev.coppice.gateway.route.RequestPath;
import dev.coppice.gateway.template.RegexReplacement;
import dev.coppice.gateway.template.Template;
import dev.coppice.gateway.template.Template.Use;
import dev.coppice.gateway.transcode.PathTemplate;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Reads what HTTPRouteFilters say. What did not change is kept from one time to the next. Not safe for use by many threads. */
final class FilterReader {
    private static final int MOST_BODY = 64 << 10;
    private static final int MOST_CONFIG = 64 << 10;
    private static final String MODULE = "function.module.configMap";

    /**
     * What a filter comes to.
     *
     * @param config null when it cannot be run
     * @param invalid all that is wrong with the filter itself; empty when nothing is
     * @param unresolved what it refers to and is not there; null when all is
     * @param content of a ConfigMap that it has; null when it has none
     */
    record Read(
            @Nullable RouteFilterConfig config,
            List<String> invalid,
            References.@Nullable Problem unresolved,
            @Nullable Content content) {
        /** Whether the data plane has to read more before it is known whether it can be run. */
        boolean function() {
            return config != null && config.function() != null;
        }
    }

    /**
     * What a filter has of a ConfigMap.
     *
     * @param id the same for filters that have the same
     * @param characters in base64
     */
    record Content(String field, String id, long characters) {}

    private record Known(String version, Read read) {}

    private final @Nullable Path filesRoot;
    private final long mostCharacters;
    private Map<String, Known> known = Map.of();
    private Map<String, Known> now = new HashMap<>();
    /** Entries of ConfigMaps in base64, by their versions: filters that have the same ConfigMap have the same texts. */
    private Map<String, Map<String, String>> entriesBefore = Map.of();

    private Map<String, Map<String, String>> entries = new HashMap<>();
    /** What counts in this round. */
    private final Set<String> counted = new HashSet<>();

    private long characters;

    /**
     * Has read nothing yet.
     *
     * @param filesRoot below which each namespace has a directory with files of its own; null: none has
     * @param mostCharacters of ConfigMaps that all filters together may have, in base64
     */
    FilterReader(@Nullable Path filesRoot, long mostCharacters) {
        this.filesRoot = filesRoot;
        this.mostCharacters = mostCharacters;
    }

    /** Begins a round. */
    void begin() {
        known = now;
        now = new HashMap<>();
        entriesBefore = entries;
        entries = new HashMap<>();
        counted.clear();
        characters = 0;
    }

    /** Characters of ConfigMaps that filters have in this round, in base64. */
    long characters() {
        return characters;
    }

    Read read(Resource<HttpRouteFilterSpec, HttpRouteFilterStatus> filter, References references) {
        LocalReference reference = reference(filter.spec());
        String version = filter.generation() + "/"
                + (reference == null ? "" : references.version(filter.namespace(), reference));
        Known before = known.get(filter.uid());
        Known found = before != null && before.version.equals(version)
                ? before
                : new Known(
                        version,
                        new Reading(filter.namespace(), filter.spec(), references)
                                .read(filter.key().toString()));
        now.put(filter.uid(), found);
        return counted(found.read);
    }

    /** With its content among those of all others, each of which counts once; one that finds no room cannot be run. */
    private Read counted(Read read) {
        Content content = read.content;
        Map<String, String> texts = content == null ? null : entriesBefore.get(content.id);
        if (content != null && texts != null) {
            // For filters that come later.
            entries.putIfAbsent(content.id, texts);
        }
        if (content == null || read.config == null || counted.contains(content.id)) {
            return read;
        }
        if (characters + content.characters > mostCharacters) {
            return new Read(
                    null,
                    read.invalid,
                    new References.Problem(
                            "NoRoom",
                            content.field + ": the ConfigMaps of all filters would have "
                                    + (characters + content.characters)
                                    + " characters in base64; the heap of this gateway has room for " + mostCharacters
                                    + ": expected less in older filters, or a larger heap"),
                    null);
        }
        counted.add(content.id);
        characters += content.characters;
        return read;
    }

    /** The ConfigMap that a filter needs; null when it needs none. */
    private static @Nullable LocalReference reference(HttpRouteFilterSpec spec) {
        HttpRouteFilterSpec.DirectResponse direct = spec.directResponse();
        if (direct != null && direct.body() != null && direct.body().valueRef() != null) {
            return configMap(direct.body().valueRef().name());
        }
        if (spec.function() != null) {
            return configMap(spec.function().module().configMap().name());
        }
        return spec.files() == null || spec.files().configMap() == null
                ? null
                : configMap(spec.files().configMap().name());
    }

    private static LocalReference configMap(String name) {
        return new LocalReference("", "ConfigMap", name);
    }

    /** Of one filter. */
    private final class Reading {
        private final String namespace;
        private final HttpRouteFilterSpec spec;
        private final References references;
        private final List<String> problems = new ArrayList<>();
        private References.@Nullable Problem unresolved;
        private Set<String> segments = Set.of();
        private @Nullable Content content;

        Reading(String namespace, HttpRouteFilterSpec spec, References references) {
            this.namespace = namespace;
            this.spec = spec;
            this.references = references;
        }

        Read read(String name) {
            String when = condition(spec.when());
            String path = pathTemplate(spec.pathTemplate());
            RouteFilterConfig config = new RouteFilterConfig(
                    name,
                    when,
                    path,
                    headers("requestHeaderModifier", spec.requestHeaderModifier(), false),
                    headers("responseHeaderModifier", spec.responseHeaderModifier(), true),
                    rewrite(spec.urlRewrite()),
                    direct(spec.directResponse()),
                    files(spec.files()),
                    extension(spec.extension()),
                    function(spec.function()));
            return new Read(problems.isEmpty() && unresolved == null ? config : null, problems, unresolved, content);
        }

        private String condition(@Nullable String when) {
            if (when == null) {
                return "";
            }
            try {
                RequestExpression _ = RequestExpression.condition(when);
            } catch (InvalidExpressionException e) {
                problems.add("when: " + e.getMessage());
            }
            return when;
        }

        private String pathTemplate(@Nullable String path) {
            if (path == null) {
                return "";
            }
            try {
                segments = PathTemplate.of(path).fields();
            } catch (IllegalArgumentException e) {
                problems.add("pathTemplate: " + e.getMessage());
            }
            return path;
        }

        private Template check(String field, String template, Use use, boolean answer) {
            return Template.compile(template, use, answer, segments, problems, field + ": ");
        }

        private HeaderChanges headers(
                String field, HttpRouteFilterSpec.@Nullable HeaderModifier modifier, boolean answer) {
            if (modifier == null) {
                return HeaderChanges.NONE;
            }
            Predicate<String> reserved = answer ? ReservedHeaders::forAnswers : ReservedHeaders::forAnything;
            List<Header> set = named(field + ".set", modifier.set(), Use.HEADER, answer, reserved);
            List<Header> add = named(field + ".add", modifier.add(), Use.HEADER, answer, reserved);
            modifier.remove().forEach(each -> reserved(field + ".remove", each, reserved));
            return new HeaderChanges(set, add, modifier.remove());
        }

        private void reserved(String field, String name, Predicate<String> reserved) {
            if (reserved.test(name.toLowerCase(Locale.ROOT))) {
                problems.add(field + ": " + name + " is the gateway's own: expected another header");
            }
        }

        private List<Header> named(
                String field,
                List<HttpRouteFilterSpec.Named> all,
                Use use,
                boolean answer,
                Predicate<String> reserved) {
            for (HttpRouteFilterSpec.Named each : all) {
                reserved(field, each.name(), reserved);
                Template _ = check(field + "[" + each.name() + "]", each.value(), use, answer);
            }
            return all.stream()
                    .map(each -> new Header(each.name(), each.value()))
                    .toList();
        }

        private RouteFilterConfig.@Nullable Rewrite rewrite(HttpRouteFilterSpec.@Nullable UrlRewrite rewrite) {
            if (rewrite == null) {
                return null;
            }
            String hostname = null;
            HttpRouteFilterSpec.HostnameModifier host = rewrite.hostname();
            if (host != null) {
                hostname = host.template() != null ? host.template() : "{request.header." + host.header() + "}";
                Template _ = check("urlRewrite.hostname", hostname, Use.HEADER, false);
            }
            HttpRouteFilterSpec.QueryModifier query = rewrite.query();
            HeaderChanges parameters = query == null
                    ? HeaderChanges.NONE
                    : new HeaderChanges(
                            named("urlRewrite.query.set", query.set(), Use.PARAMETER, false, _ -> false),
                            named("urlRewrite.query.add", query.add(), Use.PARAMETER, false, _ -> false),
                            query.remove());
            return new RouteFilterConfig.Rewrite(hostname, path(rewrite.path()), parameters);
        }

        private RouteFilterConfig.@Nullable PathRewrite path(HttpRouteFilterSpec.@Nullable PathModifier path) {
            if (path == null) {
                return null;
            }
            HttpRouteFilterSpec.RegexMatch regex = path.replaceRegexMatch();
            if (regex == null) {
                String template = String.valueOf(path.replaceTemplate());
                int mark = template.indexOf('?');
                String field = "urlRewrite.path.replaceTemplate";
                String before = mark < 0 ? template : template.substring(0, mark);
                String example = check(field, before, Use.PATH, false).text((_, _) -> "x", before.length() * 2);
                if (example != null && !example.equals(RequestPath.normal(example))) {
                    problems.add(field + ": \"" + before
                            + "\": expected what is no ASCII to be escaped, and no . or .. between slashes");
                }
                if (mark >= 0) {
                    Template _ = check(field, template.substring(mark + 1), Use.QUERY, false);
                }
                return new RouteFilterConfig.PathRewrite(template, null, null);
            }
            String problem = Expressions.problem(regex.pattern());
            if (problem != null) {
                problems.add("urlRewrite.path.replaceRegexMatch.pattern: " + problem);
            } else {
                RegexReplacement _ = RegexReplacement.compile(
                        regex.pattern(),
                        regex.substitution(),
                        problems,
                        "urlRewrite.path.replaceRegexMatch.substitution: ");
            }
            return new RouteFilterConfig.PathRewrite(null, regex.pattern(), regex.substitution());
        }

        private RouteFilterConfig.@Nullable Direct direct(HttpRouteFilterSpec.@Nullable DirectResponse direct) {
            if (direct == null) {
                return null;
            }
            HttpRouteFilterSpec.Body body = direct.body();
            String text = body == null ? "" : body.inline() != null ? body.inline() : referred(body.valueRef());
            boolean template = body != null && body.template();
            if (template) {
                Template _ = check("directResponse.body", text, Template.useOf(direct.contentType()), false);
            }
            return new RouteFilterConfig.Direct(direct.statusCode(), direct.contentType(), text, template);
        }

        private String referred(HttpRouteFilterSpec.@Nullable ValueRef reference) {
            if (reference == null) {
                return "";
            }
            String field = "directResponse.body.valueRef: ";
            References.Looked<String> looked =
                    references.entry(namespace, configMap(reference.name()), reference.key());
            if (looked.problem() != null) {
                unresolved = new References.Problem(
                        looked.problem().reason(), field + looked.problem().message());
            } else if (looked.value() != null && looked.value().length() > MOST_BODY) {
                unresolved = new References.Problem(
                        "InvalidReference",
                        field + "the entry " + reference.key() + " has "
                                + looked.value().length() + " characters; a body may have " + MOST_BODY);
            }
            return looked.value() == null ? "" : looked.value();
        }

        private RouteFilterConfig.@Nullable Files files(HttpRouteFilterSpec.@Nullable Files files) {
            if (files == null) {
                return null;
            }
            if (files.configMap() != null) {
                return new RouteFilterConfig.Files(
                        entries(files.configMap()), null, null, files.index(), files.fallback(), encodings(files));
            }
            if (filesRoot == null) {
                problems.add("files.directory: the operator of this gateway has not allowed files of its machine"
                        + " (--gateway-files); expected files.configMap");
                return null;
            }
            return new RouteFilterConfig.Files(
                    null,
                    filesRoot.resolve(namespace).toString(),
                    files.directory(),
                    files.index(),
                    files.fallback(),
                    encodings(files));
        }

        private static List<Encoding> encodings(HttpRouteFilterSpec.Files files) {
            return files.precompressed().stream()
                    .map(each -> Encoding.valueOf(each.toUpperCase(Locale.ROOT)))
                    .toList();
        }

        private RouteFilterConfig.@Nullable Extension extension(HttpRouteFilterSpec.@Nullable Extension extension) {
            if (extension == null) {
                return null;
            }
            ObjectNode config = extension.config() == null ? JsonNodeFactory.instance.objectNode() : extension.config();
            FilterFactory factory = Filters.named(extension.name());
            if (factory == null) {
                problems.add("extension.name: no extension has the filter " + extension.name() + "; "
                        + (Filters.names().isEmpty()
                                ? "there is none (COPPICE_CLASS_PATH names the jars of extensions)"
                                : "expected one of " + String.join(", ", Filters.names())));
            } else if (config.toString().length() > MOST_CONFIG) {
                problems.add("extension.config: it has more than " + MOST_CONFIG + " characters");
            } else {
                check(factory, config);
            }
            return new RouteFilterConfig.Extension(
                    extension.name(),
                    config.toString(),
                    millis("extension.timeout", extension.timeout()),
                    extension.maxConcurrent(),
                    extension.failOpen());
        }

        /** Whatever somebody else's code throws, it is a fault of this filter only. */
        private void check(FilterFactory factory, ObjectNode config) {
            try {
                factory.problems(config.deepCopy()).forEach(each -> problems.add("extension.config: " + each));
            } catch (Throwable e) {
                problems.add("extension.config: the extension cannot read it: " + e);
            }
        }

        private long millis(String field, String timeout) {
            try {
                return Durations.read(field, timeout).toMillis();
            } catch (InvalidPolicyException e) {
                problems.add(e.getMessage());
                return 0;
            }
        }

        private RouteFilterConfig.@Nullable Function function(HttpRouteFilterSpec.@Nullable EdgeFunction function) {
            if (function == null) {
                return null;
            }
            JsonNode config = function.config();
            String text = config == null ? "" : config.isTextual() ? config.textValue() : config.toString();
            if (text.length() > MOST_CONFIG) {
                problems.add("function.config: it has more than " + MOST_CONFIG + " characters");
            }
            return new RouteFilterConfig.Function(
                    module(function.module().configMap()),
                    text,
                    millis("function.timeout", function.timeout()),
                    function.maxMemoryBytes(),
                    function.maxBodyBytes(),
                    function.maxConcurrent(),
                    function.failOpen());
        }

        /** A module in base64, which the data plane reads: that takes seconds for a large one. */
        private String module(HttpRouteFilterSpec.ModuleEntry entry) {
            References.Looked<ObjectNode> looked = references.configMap(namespace, entry.name());
            if (looked.value() == null) {
                References.Problem problem = looked.problem();
                unresolved = new References.Problem(
                        problem == null ? "ConfigMapNotFound" : problem.reason(),
                        MODULE + ": " + (problem == null ? entry.name() : problem.message()));
                return "";
            }
            String what = "the entry " + entry.key() + " of ConfigMap " + namespace + "/" + entry.name();
            String module = looked.value().path("binaryData").path(entry.key()).asText("");
            if (module.isEmpty()) {
                unresolved = new References.Problem(
                        "InvalidReference",
                        MODULE + ": ConfigMap " + namespace + "/" + entry.name() + " lacks the entry " + entry.key()
                                + " in its binaryData");
                return "";
            }
            content = new Content(
                    MODULE,
                    references.version(namespace, configMap(entry.name())) + "/" + entry.key(),
                    module.length());
            try {
                byte[] _ = Base64.getMimeDecoder().decode(module);
            } catch (IllegalArgumentException e) {
                unresolved = new References.Problem("InvalidModule", MODULE + ": " + what + " is not in base64");
            }
            return module;
        }

        private Map<String, String> entries(HttpRouteFilterSpec.FileMap map) {
            References.Looked<ObjectNode> looked = references.configMap(namespace, map.name());
            Map<String, String> files = new HashMap<>();
            if (looked.value() == null) {
                References.Problem problem = looked.problem();
                unresolved = new References.Problem(
                        problem == null ? "ConfigMapNotFound" : problem.reason(),
                        "files.configMap: " + (problem == null ? map.name() : problem.message()));
                return files;
            }
            String version = references.version(namespace, configMap(map.name()));
            Map<String, String> entries = encoded(version, looked.value());
            content = new Content(
                    "files.configMap",
                    version,
                    entries.values().stream().mapToLong(String::length).sum());
            if (map.items().isEmpty()) {
                return entries;
            }
            List<String> missing = new ArrayList<>();
            for (HttpRouteFilterSpec.Item each : map.items()) {
                String entry = entries.get(each.key());
                if (entry == null) {
                    missing.add(each.key());
                } else {
                    files.put(each.path(), entry);
                }
            }
            if (!missing.isEmpty()) {
                unresolved = new References.Problem(
                        "InvalidReference",
                        "files.configMap.items: ConfigMap " + namespace + "/" + map.name() + " lacks the entries "
                                + String.join(", ", missing));
            }
            return files;
        }
    }

    /** The entries of a ConfigMap in base64, which are made once for each version of it. */
    private Map<String, String> encoded(String version, ObjectNode configMap) {
        Map<String, String> made = entries.get(version);
        if (made == null) {
            made = entriesBefore.get(version);
        }
        if (made == null) {
            Map<String, String> all = new HashMap<>();
            configMap
                    .path("data")
                    .properties()
                    .forEach(each -> all.put(
                            each.getKey(),
                            Base64.getEncoder()
                                    .encodeToString(each.getValue().asText("").getBytes(StandardCharsets.UTF_8))));
            configMap
                    .path("binaryData")
                    .properties()
                    .forEach(each -> all.put(each.getKey(), each.getValue().asText("")));
            made = Map.copyOf(all);
        }
        entries.put(version, made);
        return made;
    }
}
