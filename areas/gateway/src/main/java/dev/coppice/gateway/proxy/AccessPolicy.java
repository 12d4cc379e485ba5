package dev.coppice.gateway.proxy;

import dev.coppice.expression.EvaluationException;
import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.expression.Variables;
import dev.coppice.gateway.authentication.AuthenticationMethods;
import dev.coppice.gateway.config.SecurityConfig;
import dev.coppice.gateway.expression.RequestExpression;
import dev.coppice.kernel.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A security policy, ready to be asked about requests. Safe for use by many threads. */
final class AccessPolicy {
    private record Rule(boolean allows, RequestExpression when) {}

    final String name;
    final @Nullable String invalid;
    final List<AccessMethod> methods;
    final boolean optional;
    final AccessMetrics.PerPolicy metrics;
    private final String realm;
    private final List<Rule> rules = new ArrayList<>();
    private final boolean allowsOthers;

    AccessPolicy(
            SecurityConfig config,
            AuthenticationMethods methods,
            Function<String, @Nullable Upstream> upstreams,
            Clock clock,
            AccessMetrics.PerPolicy metrics) {
        this.name = config.name();
        this.invalid = config.invalid();
        this.realm = config.realm();
        this.optional = config.optional();
        this.metrics = metrics;
        this.methods = config.methods().stream()
                .<AccessMethod>map(each -> switch (each) {
                    case SecurityConfig.Method.External external ->
                        new ExternalMethod(external, upstreams.apply(external.upstream()));
                    case SecurityConfig.Method.ClientCertificate shown -> new CertificateMethod(shown, clock);
                    default -> new CredentialMethod(methods.of(each));
                })
                .toList();
        SecurityConfig.Authorization authorization = config.authorization();
        this.allowsOthers = authorization == null || authorization.allowsOthers();
        try {
            for (SecurityConfig.Rule each :
                    authorization == null ? List.<SecurityConfig.Rule>of() : authorization.rules()) {
                rules.add(new Rule(each.allows(), RequestExpression.condition(each.when())));
            }
        } catch (InvalidExpressionException e) {
            // The control half compiles it before.
            throw new IllegalArgumentException(config.name() + ": " + e.getMessage(), e);
        }
    }

    /**
     * What asks clients for credentials.
     *
     * @param problems of the credentials that came, one for each method; null where none came
     */
    List<String> challenges(List<@Nullable String> problems) {
        List<String> all = new ArrayList<>();
        for (int i = 0; i < methods.size(); i++) {
            String challenge = methods.get(i).challenge(realm, problems.get(i));
            if (challenge != null && !all.contains(challenge)) {
                all.add(challenge);
            }
        }
        return all;
    }

    /** Whether its rules allow a request: nobody gets in by making a condition fail. */
    boolean allows(Variables request) {
        for (Rule rule : rules) {
            boolean holds;
            try {
                holds = rule.when.test(request);
            } catch (EvaluationException e) {
                metrics.failed.inc();
                holds = !rule.allows;
            }
            if (holds) {
                return rule.allows;
            }
        }
        return allowsOthers;
    }
}
