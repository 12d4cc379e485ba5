package dev.coppice.health.migration;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.health.blackbox.BlackboxConfig;
import dev.coppice.health.blackbox.GoDuration;
import dev.coppice.health.blackbox.Yaml;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads blackbox_exporter's modules and a Prometheus' targets. One use each. */
final class BlackboxImport {
    /** One thing to probe. */
    private record Target(
            String place,
            String address,
            String module,
            Map<String, String> labels,
            @Nullable Duration interval,
            @Nullable Duration timeout,
            @Nullable String job) {}

    private static final Set<String> JOB_FIELDS = Set.of(
            "job_name",
            "metrics_path",
            "params",
            "static_configs",
            "scrape_interval",
            "scrape_timeout",
            "relabel_configs",
            "scheme");

    private final List<Source> sources;
    private final ManifestSink sink;
    private final List<Target> targets = new ArrayList<>();
    private final Set<String> reported = new HashSet<>();
    private BlackboxConfig config = BlackboxConfig.builtIn();

    BlackboxImport(List<Source> sources, ManifestSink sink) {
        this.sources = sources;
        this.sink = sink;
    }

    void run() {
        boolean configured = false;
        for (var source : sources) {
            var tree = tree(source);
            if (tree != null && tree.has("modules")) {
                var read = BlackboxConfig.parse(source.name(), source.text(), null);
                read.errors().forEach(note -> sink.find(source.name() + ": " + note.field(), note.message()));
                config = configured ? read.withFallback(config) : read;
                configured = true;
            } else if (tree != null && tree.has("scrape_configs")) {
                scrapeConfigs(source.name(), tree);
            } else if (tree != null && tree.isArray()) {
                groups(source.name(), tree, "http_2xx", null, null, null);
            } else {
                plain(source);
            }
        }
        if (targets.isEmpty()) {
            var names = String.join(", ", sources.stream().map(Source::name).toList());
            sink.find(
                    names,
                    "there are no targets: add a Prometheus configuration, a file of file_sd, or a list with a target a line");
        }
        targets.forEach(this::add);
    }

    /** Null when it is a plain list. */
    private static @Nullable JsonNode tree(Source source) {
        try {
            var tree = Yaml.read(source.name(), source.text());
            return tree.isObject() || tree.isArray() && tree.path(0).has("targets") ? tree : null;
        } catch (IllegalArgumentException e) {
            if (source.text().contains("modules:") || source.text().contains("scrape_configs:")) {
                throw e;
            }
            return null;
        }
    }

    private void plain(Source source) {
        var lines = source.text().split("\n");
        for (int i = 0; i < lines.length; i++) {
            var line = lines[i].replaceFirst("(^|\\s)#.*", "").strip().replaceFirst("^- ", "");
            if (!line.isEmpty()) {
                var words = line.split("[\\s,]+");
                targets.add(new Target(
                        source.name() + ": line " + (i + 1),
                        words[0],
                        words.length > 1 ? words[1] : "http_2xx",
                        Map.of(),
                        null,
                        null,
                        null));
            }
        }
    }

    private void scrapeConfigs(String file, JsonNode tree) {
        var global = tree.path("global");
        for (int i = 0; i < tree.path("scrape_configs").size(); i++) {
            var job = tree.path("scrape_configs").path(i);
            var place = file + ": scrape_configs[" + i + "]";
            var name = job.path("job_name").asText("job");
            if (!job.path("params").has("module")
                    && !job.path("metrics_path").asText("").endsWith("/probe")) {
                sink.find(place, "the job \"" + name + "\" does not probe; it is left out");
                continue;
            }
            for (var field : job.properties()) {
                if (field.getKey().equals("relabel_configs")) {
                    relabelings(place, field.getValue());
                } else if (!JOB_FIELDS.contains(field.getKey())) {
                    sink.find(
                            place + "." + field.getKey(),
                            field.getKey().endsWith("_sd_configs")
                                    ? "targets that are discovered are not imported; give them as a list"
                                    : "has no counterpart");
                }
            }
            groups(
                    place + ".static_configs",
                    job.path("static_configs"),
                    job.path("params").path("module").path(0).asText("http_2xx"),
                    duration(place + ".scrape_interval", job, "scrape_interval", global),
                    duration(place + ".scrape_timeout", job, "scrape_timeout", global),
                    name);
        }
    }

    /** The three rules that every blackbox job has need no remark. */
    private void relabelings(String place, JsonNode rules) {
        for (int i = 0; i < rules.size(); i++) {
            var to = rules.path(i).path("target_label").asText("");
            var action = rules.path(i).path("action").asText("replace");
            if (!action.equals("replace")
                    || !Set.of("__param_target", "instance", "__address__").contains(to)) {
                sink.find(place + ".relabel_configs[" + i + "]", "is not applied: look whether the targets are right");
            }
        }
    }

    private @Nullable Duration duration(String place, JsonNode job, String field, JsonNode global) {
        var text = job.path(field).asText(global.path(field).asText(""));
        try {
            return text.isEmpty() ? null : GoDuration.parse(text);
        } catch (IllegalArgumentException e) {
            sink.find(place, String.valueOf(e.getMessage()));
            return null;
        }
    }

    private void groups(
            String place,
            JsonNode groups,
            String module,
            @Nullable Duration interval,
            @Nullable Duration timeout,
            @Nullable String job) {
        for (int i = 0; i < groups.size(); i++) {
            var labels = new LinkedHashMap<String, String>();
            var chosen = module;
            for (var label : groups.path(i).path("labels").properties()) {
                if (label.getKey().equals("module") || label.getKey().equals("__param_module")) {
                    chosen = label.getValue().asText();
                } else if (!label.getKey().startsWith("__")) {
                    labels.put(label.getKey(), label.getValue().asText());
                }
            }
            for (var address : groups.path(i).path("targets")) {
                targets.add(new Target(
                        place + "[" + i + "] " + address.asText(),
                        address.asText(),
                        chosen,
                        labels,
                        interval,
                        timeout,
                        job));
            }
        }
    }

    private void add(Target target) {
        var module = config.module(target.module()).orElse(null);
        if (module == null) {
            sink.find(target.place(), "there is no module \"" + target.module() + "\"; the target is left out");
            return;
        }
        for (var note : module.unsupported()) {
            if (reported.add(note.field())) {
                sink.find(note.field(), note.message());
            }
        }
        files(module.options(), "modules." + module.name() + "." + module.prober());
        try {
            var own = module.timeout();
            var timeout = own == null ? target.timeout() : own;
            sink.add(new Draft(
                    target.module() + "-" + target.address().replaceFirst("^https?://", ""),
                    target.place() + " (module " + target.module() + ")",
                    target.job(),
                    target.labels(),
                    module.spec(target.address(), null),
                    target.interval(),
                    timeout,
                    null,
                    null,
                    null,
                    false));
        } catch (IllegalArgumentException e) {
            sink.find(target.place(), e.getMessage() + "; the target is left out");
        }
    }

    private void files(JsonNode options, String path) {
        for (var field : options.properties()) {
            var where = path + "." + field.getKey();
            if (field.getValue().isObject()) {
                files(field.getValue(), where);
            } else if (field.getKey().endsWith("_file") && reported.add(where)) {
                sink.find(
                        where,
                        "the file " + field.getValue().asText()
                                + " is not read: put its content into the manifest or a Secret");
            }
        }
    }
}
