package dev.coppice.control.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.admission.AdmissionWebhooks.Webhook;
import dev.coppice.control.request.Statuses;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * MutatingWebhookConfigurations: webhooks are asked one after the other, and those with reinvocationPolicy IfNeeded once more
 * when the object has changed after them. Safe for use by many threads.
 */
public final class MutatingWebhooks implements Admission.Mutating {
    private final AdmissionWebhooks webhooks;
    private final AdmissionReview review;

    MutatingWebhooks(AdmissionWebhooks webhooks, AdmissionReview review) {
        this.webhooks = webhooks;
        this.review = review;
    }

    /** A webhook that was asked, and the object after it. */
    private record Asked(Webhook webhook, @Nullable ObjectNode after) {}

    @Override
    public Admission.SecondPass mutate(Admission.Request request, Settling settling) {
        List<Webhook> all = webhooks.all();
        if (all.isEmpty() || RequestMatcher.exempt(request)) {
            return Admission.SecondPass.NONE;
        }
        List<Asked> again = new ArrayList<>();
        for (Webhook webhook : all) {
            if (run(webhook, request, settling) && webhook.reinvocable() && request.object() != null) {
                again.add(new Asked(webhook, request.object().deepCopy()));
            }
        }
        return () -> {
            for (Asked asked : again) {
                if (request.object() != null && !request.object().equals(asked.after)) {
                    boolean unused = run(asked.webhook, request, settling);
                }
            }
        };
    }

    /** Whether it was asked. */
    private boolean run(Webhook webhook, Admission.Request request, Settling settling) {
        Admission.Request seen = review.matched(webhook, request);
        if (seen == null) {
            return false;
        }
        JsonNode response = review.ask(webhook, seen, true);
        ObjectNode before = seen.object();
        if (response != null && before != null && request.object() != null) {
            ObjectNode changed = AdmissionReview.patched(webhook, before, response);
            if (changed != null) {
                Mutations.replace("webhook " + Statuses.quote(webhook.name()), request, seen, changed, settling);
            }
        }
        return true;
    }
}
