package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.kind.HttpRouteFilterSpec;
import dev.coppice.gateway.kind.HttpRouteFilterStatus;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The HTTPRouteFilters of a snapshot, and what is said of them. Not safe for use by many threads. */
final class RouteFilters {
    private final Map<Key, FilterReader.Read> reads = new HashMap<>();
    private final Map<Key, Long> generations = new HashMap<>();
    /** Those that rules refer to. */
    private final Set<Key> used = new HashSet<>();

    /**
     * What rules refer to.
     *
     * @param problem why it cannot be run; null when it can
     * @param rewritesPath whether it changes the path
     */
    record Found(References.@Nullable Problem problem, boolean rewritesPath) {}

    RouteFilters(
            List<Resource<HttpRouteFilterSpec, HttpRouteFilterStatus>> filters,
            FilterReader reader,
            References references) {
        reader.begin();
        for (Resource<HttpRouteFilterSpec, HttpRouteFilterStatus> each : filters) {
            if (!each.deleting()) {
                reads.put(each.key(), reader.read(each, references));
                generations.put(each.key(), each.generation());
            }
        }
    }

    /** What a rule refers to. */
    Found find(Key key) {
        FilterReader.Read read = reads.get(key);
        if (read == null) {
            return new Found(
                    new References.Problem("FilterNotFound", "HTTPRouteFilter " + key + " does not exist"), false);
        }
        RouteFilterConfig config = read.config();
        if (config == null) {
            return new Found(
                    new References.Problem(
                            "InvalidFilter",
                            "HTTPRouteFilter " + key + " cannot be run: " + String.join("; ", faults(read))),
                    false);
        }
        used.add(key);
        return new Found(null, config.rewrite() != null && config.rewrite().path() != null);
    }

    private static List<String> faults(FilterReader.Read read) {
        List<String> all = new ArrayList<>(read.invalid());
        if (read.unresolved() != null) {
            all.add(read.unresolved().message());
        }
        return all;
    }

    /** Those that were found, and can be run: what no rule refers to, the data plane has no need of. */
    List<RouteFilterConfig> configs() {
        return reads.entrySet().stream()
                .filter(each -> used.contains(each.getKey()))
                .map(Map.Entry::getValue)
                .map(FilterReader.Read::config)
                .filter(Objects::nonNull)
                .toList();
    }

    /** What is said. */
    Map<Key, Draft> drafts() {
        Map<Key, Draft> drafts = new HashMap<>();
        reads.forEach((key, read) -> {
            References.Problem unresolved = read.unresolved();
            drafts.put(
                    key,
                    new Draft.OfFilter(
                            Objects.requireNonNull(generations.get(key)),
                            List.of(
                                    read.invalid().isEmpty()
                                            ? Draft.Condition.yes("Accepted", "Accepted")
                                            : Draft.Condition.no(
                                                    "Accepted",
                                                    "Invalid",
                                                    String.join("; ", read.invalid())
                                                            + "; until that is mended, requests of rules that refer to it are answered with 500"),
                                    unresolved == null
                                            ? Draft.Condition.yes("ResolvedRefs", "ResolvedRefs")
                                            : Draft.Condition.no(
                                                    "ResolvedRefs",
                                                    unresolved.reason(),
                                                    unresolved.message()
                                                            + "; until that is mended, requests of rules that refer to it are answered with 500"))));
        });
        return drafts;
    }
}
