package dev.coppice.gateway.control;

import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.function.FunctionReading;
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
    private static final String RESOLVED = "ResolvedRefs";
    private static final String THEN =
            "; until that is mended, requests of rules that refer to it are answered with 500";

    private final Map<Key, FilterReader.Read> reads = new HashMap<>();
    private final Map<Key, Long> generations = new HashMap<>();
    /** Where functions have their modules. */
    private final Map<Key, HttpRouteFilterSpec.ModuleEntry> modules = new HashMap<>();

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
        List<Resource<HttpRouteFilterSpec, HttpRouteFilterStatus>> sorted = new ArrayList<>(filters);
        // Where there is no room for all the older ones have it.
        sorted.sort(Age.OLDEST_FIRST);
        for (Resource<HttpRouteFilterSpec, HttpRouteFilterStatus> each : sorted) {
            if (!each.deleting()) {
                reads.put(each.key(), reader.read(each, references));
                generations.put(each.key(), each.generation());
                if (each.spec().function() != null) {
                    modules.put(each.key(), each.spec().function().module().configMap());
                }
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
            return new Found(invalid(key, String.join("; ", faults(read))), false);
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

    /**
     * Those that were found, and can be run: what no rule refers to, the data plane has no need of. Functions are there before that, the others first, so that they
     * are compiled, and what is wrong with them is known.
     */
    List<RouteFilterConfig> configs() {
        List<RouteFilterConfig> all = new ArrayList<>();
        List<RouteFilterConfig> unused = new ArrayList<>();
        reads.forEach((key, read) -> {
            RouteFilterConfig config = read.config();
            if (config != null && used.contains(key)) {
                all.add(config);
            } else if (config != null && read.function()) {
                unused.add(config);
            }
        });
        all.addAll(unused);
        return all;
    }

    /** What is wrong with functions that are good as far as they could be read here. */
    Map<Key, References.Problem> broken(Map<String, FunctionReading> functions) {
        Map<Key, References.Problem> all = new HashMap<>();
        reads.forEach((key, read) -> {
            FunctionReading reading = read.function() ? functions.get(key.toString()) : null;
            HttpRouteFilterSpec.ModuleEntry entry = modules.get(key);
            if (reading == null || reading.problem() == null || entry == null) {
                return;
            }
            String problem = reading.problem();
            String message = problem.startsWith("function.")
                    ? problem
                    : "function.module.configMap: the entry " + entry.key() + " of ConfigMap " + key.namespace() + "/"
                            + entry.name()
                            + (reading.state() == FunctionReading.State.NO_ROOM
                                    ? " finds no room: "
                                    : " is no module for a function: ")
                            + problem;
            all.put(
                    key,
                    new References.Problem(
                            reading.state() == FunctionReading.State.NO_ROOM ? "NoRoom" : "InvalidModule",
                            message + (reading.before() ? "; until that is mended, the one before goes on" : "")));
        });
        return all;
    }

    /** What is to be said of a rule that refers to a filter with such a problem. */
    static References.Problem invalid(Key key, String why) {
        return new References.Problem("InvalidFilter", "HTTPRouteFilter " + key + " cannot be run: " + why);
    }

    /** What is said. */
    Map<Key, Draft> drafts(Map<String, FunctionReading> functions) {
        Map<Key, Draft> drafts = new HashMap<>();
        Map<Key, References.Problem> broken = broken(functions);
        reads.forEach((key, read) -> drafts.put(
                key,
                new Draft.OfFilter(
                        Objects.requireNonNull(generations.get(key)),
                        List.of(
                                read.invalid().isEmpty()
                                        ? Draft.Condition.yes("Accepted", "Accepted")
                                        : Draft.Condition.no(
                                                "Accepted", "Invalid", String.join("; ", read.invalid()) + THEN),
                                resolved(key, read, broken.get(key), functions.get(key.toString()))))));
        return drafts;
    }

    private static Draft.Condition resolved(
            Key key, FilterReader.Read read, References.@Nullable Problem broken, @Nullable FunctionReading function) {
        References.Problem unresolved = read.unresolved();
        if (unresolved != null) {
            return Draft.Condition.no(RESOLVED, unresolved.reason(), unresolved.message() + THEN);
        }
        if (broken != null) {
            return Draft.Condition.no(
                    RESOLVED,
                    broken.reason(),
                    function != null && function.before() ? broken.message() : broken.message() + THEN);
        }
        if (read.function() && (function == null || function.state() == FunctionReading.State.LOADING)) {
            return Draft.Condition.unknown(
                    RESOLVED,
                    "Pending",
                    "the module of " + key + " is being read and compiled"
                            + (function != null && function.before() ? "; meanwhile the one before goes on" : ""));
        }
        return Draft.Condition.yes(RESOLVED, RESOLVED);
    }
}
