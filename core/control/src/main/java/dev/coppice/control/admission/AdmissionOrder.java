package dev.coppice.control.admission;

import dev.coppice.control.access.RoleAuthorizer;
import dev.coppice.control.engine.Engine;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Registry;
import dev.coppice.control.webhook.WebhookClient;
import java.util.Objects;

/** Who has a say in the requests of an engine, in Kubernetes' order. */
public final class AdmissionOrder {
    private static final String GROUP = "admissionregistration.k8s.io";

    private AdmissionOrder() {}

    /** Adds all of them to an engine, over the types of a registry. */
    public static void install(
            Engine engine, Registry registry, RoleAuthorizer authorizer, WebhookClient webhookClient) {
        Definition namespaces = builtIn(registry, "", "namespaces");
        engine.addAdmission(new CreateAuthorization(authorizer));
        engine.addAdmission(new NamespaceLifecycle(namespaces, engine));
        engine.addAdmission(new TypeLifecycle(builtIn(registry, "apiextensions.k8s.io", "customresourcedefinitions")));
        engine.addAdmission(new RoleEscalation(authorizer));
        engine.addAdmission(new ValidatingPolicies(
                registry,
                authorizer,
                builtIn(registry, GROUP, "validatingadmissionpolicies"),
                builtIn(registry, GROUP, "validatingadmissionpolicybindings"),
                namespaces));
        ValidatingWebhooks.Both webhooks = ValidatingWebhooks.of(
                engine.kernel(),
                registry,
                authorizer,
                builtIn(registry, GROUP, "mutatingwebhookconfigurations"),
                builtIn(registry, GROUP, "validatingwebhookconfigurations"),
                namespaces,
                webhookClient);
        engine.addMutation(new MutatingPolicies(
                registry,
                authorizer,
                builtIn(registry, GROUP, "mutatingadmissionpolicies"),
                builtIn(registry, GROUP, "mutatingadmissionpolicybindings"),
                namespaces));
        engine.addMutation(webhooks.mutating());
        engine.addAdmission(webhooks.validating());
        engine.addAdmission(new QuotaAdmission(engine, builtIn(registry, "", "resourcequotas")));
    }

    private static Definition builtIn(Registry registry, String group, String plural) {
        return Objects.requireNonNull(registry.find(group, "v1", plural), plural);
    }
}
