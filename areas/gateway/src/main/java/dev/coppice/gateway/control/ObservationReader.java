package dev.coppice.gateway.control;

import dev.coppice.control.Resource;
import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.gateway.config.ObservationConfig;
import dev.coppice.gateway.config.ObservationConfig.Format;
import dev.coppice.gateway.config.ObservationConfig.Log;
import dev.coppice.gateway.config.ObservationConfig.Propagation;
import dev.coppice.gateway.config.ObservationConfig.Rotation;
import dev.coppice.gateway.config.ObservationConfig.Share;
import dev.coppice.gateway.config.ObservationConfig.Tracing;
import dev.coppice.gateway.expression.RequestExpression;
import dev.coppice.gateway.kind.HttpFilter;
import dev.coppice.gateway.kind.ObservabilityPolicySpec;
import dev.coppice.gateway.kind.ObservabilityPolicySpec.AccessLogging;
import dev.coppice.gateway.kind.ObservabilityPolicySpec.Sampling;
import dev.coppice.gateway.kind.ObservabilityPolicySpec.TraceSampling;
import dev.coppice.gateway.kind.PolicyStatus;
import dev.coppice.gateway.log.LogFormat;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads ObservabilityPolicies. What was read is kept for as long as the policy stays as it is, since compiling CEL takes long. Not safe for use
 * by many threads.
 */
final class ObservationReader {
    /**
     * As far as a policy can be read alone; it has no targets yet.
     *
     * @param problem all that is wrong with it; null: nothing is
     */
    record Read(ObservationConfig config, @Nullable String problem) {}

    private Map<String, Read> known = Map.of();
    private Map<String, Read> used = new HashMap<>();

    /** A translation begins. */
    void begin() {
        known = used;
        used = new HashMap<>();
    }

    Read read(Resource<ObservabilityPolicySpec, PolicyStatus> policy) {
        return used.computeIfAbsent(policy.uid() + "/" + policy.generation(), version -> {
            Read before = known.get(version);
            return before == null ? fresh(policy) : before;
        });
    }

    private static Read fresh(Resource<ObservabilityPolicySpec, PolicyStatus> policy) {
        List<String> problems = new ArrayList<>();
        AccessLogging logging = policy.spec().accessLog();
        List<Log> logs = logging == null ? null : logs(policy.key().toString(), logging, problems);
        ObservabilityPolicySpec.Tracing tracing = policy.spec().tracing();
        return new Read(
                new ObservationConfig(
                        policy.key().toString(), List.of(), logs, tracing == null ? null : tracing(tracing, problems)),
                problems.isEmpty() ? null : String.join("; ", problems));
    }

    private static List<Log> logs(String policy, AccessLogging logging, List<String> problems) {
        List<Log> logs = new ArrayList<>();
        for (ObservabilityPolicySpec.Log each : logging.logs()) {
            String place = "accessLog.logs[" + logs.size() + "] (" + each.name() + ").";
            logs.add(log(policy + "/" + each.name(), each, place, problems));
        }
        return logs;
    }

    private static Log log(String name, ObservabilityPolicySpec.Log spec, String place, List<String> problems) {
        String template = spec.template() == null ? "" : spec.template();
        String when = spec.when() == null ? "" : spec.when();
        Map<String, String> fields = new LinkedHashMap<>();
        spec.fields().forEach(each -> fields.put(each.name(), each.value()));
        try {
            LogFormat _ = template.isEmpty() ? LogFormat.json(fields) : LogFormat.template(template);
        } catch (LogFormat.InvalidTemplateException e) {
            problems.add(place + (template.isEmpty() ? "fields: " : "template: ") + e.getMessage());
        }
        try {
            if (!when.isEmpty()) {
                RequestExpression _ = RequestExpression.outcome(when);
            }
        } catch (InvalidExpressionException e) {
            problems.add(place + "when: " + e.getMessage());
        }
        Sampling sampling = spec.sampling();
        ObservabilityPolicySpec.Rotation file = spec.file();
        return new Log(
                name,
                Format.valueOf(spec.format().toUpperCase(Locale.ROOT)),
                template,
                fields,
                !spec.output().equals("File")
                        ? null
                        : file == null
                                ? new Rotation(64 << 20, 4)
                                : new Rotation((long) file.maxMebibytes() << 20, file.maxFiles()),
                sampling == null ? Share.ALL : share(sampling.fraction()),
                sampling != null && sampling.errors(),
                sampling == null || sampling.slowerThan() == null
                        ? 0
                        : nanos(sampling.slowerThan(), place + "sampling.slowerThan", problems),
                when);
    }

    /** It goes nowhere yet. */
    private static Tracing tracing(ObservabilityPolicySpec.Tracing spec, List<String> problems) {
        TraceSampling sampling = spec.sampling();
        String when = sampling == null || sampling.when() == null ? "" : sampling.when();
        try {
            if (!when.isEmpty()) {
                RequestExpression _ = RequestExpression.condition(when);
            }
        } catch (InvalidExpressionException e) {
            problems.add("tracing.sampling.when: " + e.getMessage());
        }
        return new Tracing(
                "",
                spec.path(),
                spec.serviceName(),
                sampling == null ? Share.ALL : share(sampling.fraction()),
                sampling == null || sampling.parent().equals("Follow"),
                when,
                propagation(spec.propagation()));
    }

    private static List<Propagation> propagation(List<String> forms) {
        return forms.isEmpty()
                ? List.of(Propagation.W3C)
                : forms.stream()
                        .map(each -> switch (each) {
                            case "B3" -> Propagation.B3;
                            case "B3Multi" -> Propagation.B3_MULTI;
                            default -> Propagation.W3C;
                        })
                        .toList();
    }

    private static long nanos(String text, String field, List<String> problems) {
        try {
            return Durations.nanos(field, text);
        } catch (InvalidPolicyException e) {
            problems.add(e.getMessage());
            return 0;
        }
    }

    private static Share share(HttpFilter.@Nullable Fraction fraction) {
        if (fraction == null) {
            return Share.ALL;
        }
        Integer denominator = fraction.denominator();
        return new Share(fraction.numerator(), denominator == null ? 100 : denominator);
    }
}
