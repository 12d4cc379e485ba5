package dev.coppice.gateway.config;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is told of requests. Immutable.
 *
 * @param name {@code NAMESPACE/POLICY}
 * @param targets whose requests; of several policies the one with the narrowest target counts
 * @param logs null: what is wider says it; empty: there are none
 * @param tracing null: what is wider says it
 */
public record ObservationConfig(
        String name,
        List<TrafficTarget> targets,
        @Nullable List<Log> logs,
        @Nullable Tracing tracing) {

    /**
     * An access log.
     *
     * @param name {@code NAMESPACE/POLICY/LOG}, and where its file is
     * @param template of {@link Format#TEMPLATE}; else empty
     * @param fields further members of {@link Format#JSON}, in order
     * @param file null: it goes to the process's standard output
     * @param share of the requests that it has
     * @param errors whether it has all requests that were answered with 500 and above
     * @param slowNanos it has all requests that took as long; 0: not for that
     * @param when a CEL condition: requests for which it is false are not there at all; empty for all
     */
    public record Log(
            String name,
            Format format,
            String template,
            Map<String, String> fields,
            @Nullable Rotation file,
            Share share,
            boolean errors,
            long slowNanos,
            String when) {
        public Log {
            fields = new LinkedHashMap<>(fields);
        }
    }

    /** How a line is written. */
    public enum Format {
        JSON,
        COMMON,
        COMBINED,
        TEMPLATE
    }

    /**
     * When a file is turned over.
     *
     * @param bytes of one file at most
     * @param files of one log at most, with the one that is written
     */
    public record Rotation(long bytes, int files) {}

    /** So many of so many. */
    public record Share(int numerator, int denominator) {
        public static final Share ALL = new Share(1, 1);
    }

    /**
     * How requests are traced.
     *
     * @param upstream where spans go; empty: there are none, and requests pass with the context that they bring
     * @param path of the collector, for spans
     * @param service whose spans they are
     * @param share of the traces that begin here
     * @param follows whether whoever sent a request with a trace says whether it is recorded
     * @param when a CEL condition for traces that are decided on here; empty for all
     * @param propagation how requests say where they stand: the first that is there is read, all are written
     */
    public record Tracing(
            String upstream,
            String path,
            String service,
            Share share,
            boolean follows,
            String when,
            List<Propagation> propagation) {
        public Tracing {
            // What an earlier version saved has none.
            propagation = propagation == null ? List.of(Propagation.W3C) : List.copyOf(propagation);
        }

        /** By W3C Trace Context. */
        public Tracing(String upstream, String path, String service, Share share, boolean follows, String when) {
            this(upstream, path, service, share, follows, when, List.of(Propagation.W3C));
        }

        /** The same, to that upstream. */
        public Tracing to(String name) {
            return new Tracing(name, path, service, share, follows, when, propagation);
        }
    }

    /** How requests say where they stand in traces. */
    public enum Propagation {
        /** {@code traceparent}. */
        W3C,
        /** {@code b3}, Zipkin's in one header. */
        B3,
        /** {@code X-B3-TraceId} and others, Zipkin's in several. */
        B3_MULTI
    }

    public ObservationConfig {
        targets = List.copyOf(targets);
        logs = logs == null ? null : List.copyOf(logs);
    }

    /** The same for these requests. */
    public ObservationConfig at(List<TrafficTarget> places) {
        return new ObservationConfig(name, places, logs, tracing);
    }

    /** The same, with spans that go there. */
    public ObservationConfig traced(Tracing to) {
        return new ObservationConfig(name, targets, logs, to);
    }
}
