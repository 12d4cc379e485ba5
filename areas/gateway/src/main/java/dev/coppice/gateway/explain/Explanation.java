package dev.coppice.gateway.explain;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of a request that comes to one address. Immutable.
 *
 * @param listener {@code NAMESPACE/GATEWAY, listener NAME}; empty when none is for its host name
 * @param route null: no rule matches
 * @param outcome in one sentence
 * @param others rules that one might have expected instead, and why they were not chosen; those of the listener, the nearest first
 */
public record Explanation(
        String address, int port, String listener, @Nullable Chosen route, String outcome, List<Other> others) {

    public Explanation {
        others = List.copyOf(others);
    }

    /**
     * The rule that has it.
     *
     * @param name {@code KIND NAMESPACE/NAME}
     * @param rule counted from 1; with its name, if it has one
     * @param match what about the request it matches
     * @param steps what happens to the request, in order
     */
    public record Chosen(String name, String rule, String match, List<String> steps, List<Backend> backends) {
        public Chosen {
            steps = List.copyOf(steps);
            backends = List.copyOf(backends);
        }
    }

    /**
     * Where a share of its requests goes.
     *
     * @param percent of the requests; rounded
     * @param endpoints those that get no requests now say why
     * @param present how it is now
     */
    public record Backend(
            String upstream,
            int percent,
            String protocol,
            List<String> endpoints,
            List<String> steps,
            List<String> present) {
        public Backend {
            endpoints = List.copyOf(endpoints);
            steps = List.copyOf(steps);
            present = List.copyOf(present);
        }
    }

    /** A rule that was not chosen. */
    public record Other(String name, String rule, String match, String reason) {}
}
