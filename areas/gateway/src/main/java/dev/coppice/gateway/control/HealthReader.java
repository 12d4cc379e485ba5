package dev.coppice.gateway.control;

import dev.coppice.gateway.config.HealthCheckConfig;
import dev.coppice.gateway.config.HealthCheckConfig.Codes;
import dev.coppice.gateway.config.HealthCheckConfig.Type;
import dev.coppice.gateway.config.OutlierConfig;
import dev.coppice.gateway.kind.HealthCheckSpec;
import dev.coppice.gateway.kind.OutlierDetectionSpec;
import java.util.List;

/** Reads by what endpoints are judged: health checks, and how they answer requests. Pure functions. */
final class HealthReader {
    private static final double PERCENT = 100;
    private static final List<Codes> SUCCESSFUL = List.of(new Codes(200, 299));

    private HealthReader() {}

    static HealthCheckConfig read(HealthCheckSpec spec) throws InvalidPolicyException {
        HealthCheckSpec.HttpCheck http = spec.http();
        HealthCheckSpec.GrpcCheck grpc = spec.grpc();
        return new HealthCheckConfig(
                Type.valueOf(spec.type()),
                http == null || http.host() == null ? "" : http.host(),
                http == null ? "/" : http.path(),
                http == null ? "GET" : http.method(),
                http == null || http.expectedStatuses().isEmpty()
                        ? SUCCESSFUL
                        : http.expectedStatuses().stream()
                                .map(each -> new Codes(each.start(), each.end()))
                                .toList(),
                grpc == null ? "" : grpc.service(),
                Durations.nanos("healthCheck.interval", spec.interval()),
                spec.jitterPercent() / PERCENT,
                Durations.nanos("healthCheck.timeout", spec.timeout()),
                spec.unhealthyThreshold(),
                spec.healthyThreshold());
    }

    static OutlierConfig read(OutlierDetectionSpec spec) throws InvalidPolicyException {
        OutlierDetectionSpec.SuccessRate rate = spec.successRate();
        return new OutlierConfig(
                spec.consecutive5xx(),
                spec.consecutiveGatewayFailures(),
                rate == null
                        ? null
                        : new OutlierConfig.SuccessRate(
                                rate.minimumEndpoints(), rate.requestVolume(), rate.stdevFactorPercent() / PERCENT),
                Durations.nanos("outlierDetection.interval", spec.interval()),
                Durations.nanos("outlierDetection.baseEjectionTime", spec.baseEjectionTime()),
                Durations.nanos("outlierDetection.maxEjectionTime", spec.maxEjectionTime()),
                spec.maxEjectionPercent());
    }
}
