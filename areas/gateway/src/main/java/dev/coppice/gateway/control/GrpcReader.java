package dev.coppice.gateway.control;

import dev.coppice.control.Resource;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.RetryConfig;
import dev.coppice.gateway.config.TranscodingConfig;
import dev.coppice.gateway.kind.GrpcPolicySpec;
import dev.coppice.gateway.kind.HttpFilter;
import dev.coppice.gateway.kind.PolicyStatus;
import dev.coppice.gateway.transcode.InvalidDescriptorsException;
import dev.coppice.gateway.transcode.Transcoder;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads what GRPCPolicies say. What did not change is kept from one time to the next. Not safe for use by many threads. */
final class GrpcReader {
    private static final long NANOS_A_MILLI = 1_000_000;
    /** By their numbers (google.rpc.Code). */
    private static final List<String> STATUSES = List.of(
            "OK",
            "CANCELLED",
            "UNKNOWN",
            "INVALID_ARGUMENT",
            "DEADLINE_EXCEEDED",
            "NOT_FOUND",
            "ALREADY_EXISTS",
            "PERMISSION_DENIED",
            "RESOURCE_EXHAUSTED",
            "FAILED_PRECONDITION",
            "ABORTED",
            "OUT_OF_RANGE",
            "UNIMPLEMENTED",
            "INTERNAL",
            "UNAVAILABLE",
            "DATA_LOSS",
            "UNAUTHENTICATED");

    /**
     * What a policy comes to.
     *
     * @param invalid what is wrong with the policy itself; null when nothing is
     * @param unresolved what it refers to and cannot be used; null when all can
     */
    record Read(
            FilterConfig.@Nullable Cors cors,
            @Nullable RetryConfig retry,
            @Nullable TranscodingConfig transcoding,
            @Nullable String invalid,
            References.@Nullable Problem unresolved) {}

    private record Known(String version, Read read) {}

    private Map<String, Known> known = Map.of();
    private Map<String, Known> now = new HashMap<>();

    /** Begins a round. */
    void begin() {
        known = now;
        now = new HashMap<>();
    }

    Read read(Resource<GrpcPolicySpec, PolicyStatus> policy, References references) {
        GrpcPolicySpec.Transcoding transcoding = policy.spec().transcoding();
        GrpcPolicySpec.Reference reference =
                transcoding == null ? null : transcoding.descriptors().ref();
        String version = policy.generation() + "/"
                + (reference == null ? "" : references.version(policy.namespace(), reference.object()));
        Known before = known.get(policy.uid());
        Known found = before != null && before.version.equals(version)
                ? before
                : new Known(version, read(policy.key().toString(), policy.namespace(), policy.spec(), references));
        now.put(policy.uid(), found);
        return found.read;
    }

    private static Read read(String name, String namespace, GrpcPolicySpec spec, References references) {
        FilterConfig.Cors cors = cors(spec.cors());
        try {
            RetryConfig retry = retry(spec.retry());
            GrpcPolicySpec.Transcoding wanted = spec.transcoding();
            if (wanted == null) {
                return new Read(cors, retry, null, null, null);
            }
            GrpcPolicySpec.Reference reference = wanted.descriptors().ref();
            References.Looked<String> descriptors = reference == null
                    ? new References.Looked<>(wanted.descriptors().inline(), null)
                    : references.base64(namespace, reference.object(), reference.key());
            return descriptors.value() == null
                    ? new Read(cors, retry, null, null, descriptors.problem())
                    : new Read(cors, retry, transcoding(name, wanted, descriptors.value()), null, null);
        } catch (InvalidPolicyException e) {
            return new Read(null, null, null, e.getMessage(), null);
        }
    }

    private static FilterConfig.@Nullable Cors cors(HttpFilter.@Nullable Cors spec) {
        if (spec == null) {
            return null;
        }
        FilterConfig.Cors given = RuleReader.cors(spec);
        return new FilterConfig.Cors(
                given.allowOrigins(),
                given.allowCredentials(),
                given.allowMethods().isEmpty() ? List.of("*") : given.allowMethods(),
                given.allowHeaders().isEmpty() ? List.of("*") : given.allowHeaders(),
                given.exposeHeaders(),
                given.maxAgeSeconds());
    }

    private static @Nullable RetryConfig retry(GrpcPolicySpec.@Nullable Retry spec) throws InvalidPolicyException {
        return spec == null
                ? null
                : new RetryConfig(
                        List.of(),
                        spec.attempts(),
                        Durations.nanos("retry.backoff", spec.backoff()) / NANOS_A_MILLI,
                        spec.statuses().stream().map(STATUSES::indexOf).toList());
    }

    private static TranscodingConfig transcoding(String name, GrpcPolicySpec.Transcoding spec, String descriptors)
            throws InvalidPolicyException {
        try {
            byte[] bytes = Base64.getMimeDecoder().decode(descriptors);
            Transcoder _ = Transcoder.of(
                    bytes,
                    new Transcoder.Options(
                            Set.copyOf(spec.services()),
                            spec.ignoreUnknownFields(),
                            spec.printDefaults(),
                            spec.protoNames()));
        } catch (InvalidDescriptorsException e) {
            throw new InvalidPolicyException("transcoding.descriptors: " + e.getMessage());
        } catch (IllegalArgumentException e) {
            throw new InvalidPolicyException("transcoding.descriptors: they are no base64");
        }
        return new TranscodingConfig(
                name,
                descriptors,
                spec.services(),
                spec.ignoreUnknownFields(),
                spec.printDefaults(),
                spec.protoNames(),
                spec.maxMessageBytes());
    }
}
