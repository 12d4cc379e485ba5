package dev.coppice.control.admission;

import dev.coppice.control.ApiException;
import dev.coppice.control.Authorizer;
import dev.coppice.control.admission.AdmissionWebhooks.Webhook;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Registry;
import dev.coppice.control.webhook.WebhookClient;
import dev.coppice.kernel.Kernel;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;

/**
 * ValidatingWebhookConfigurations: all webhooks that match are asked at the same time, and the first refusal in their order is
 * told. Safe for use by many threads.
 */
public final class ValidatingWebhooks implements Admission {
    private static final int AT_ONCE = 32;

    private final Kernel kernel;
    private final AdmissionWebhooks webhooks;
    private final AdmissionReview review;

    private ValidatingWebhooks(Kernel kernel, AdmissionWebhooks webhooks, AdmissionReview review) {
        this.kernel = kernel;
        this.webhooks = webhooks;
        this.review = review;
    }

    /** Both kinds of webhooks. */
    public record Both(MutatingWebhooks mutating, ValidatingWebhooks validating) {}

    public static Both of(
            Kernel kernel,
            Registry registry,
            Authorizer authorizer,
            Definition mutating,
            Definition validating,
            Definition namespaces,
            WebhookClient client) {
        AdmissionReview review =
                new AdmissionReview(kernel, client, new RequestMatcher(registry, namespaces), authorizer);
        return new Both(
                new MutatingWebhooks(new AdmissionWebhooks(mutating), review),
                new ValidatingWebhooks(kernel, new AdmissionWebhooks(validating), review));
    }

    private record Question(Webhook webhook, Admission.Request seen) {}

    @Override
    public void admit(Request request) {
        List<Webhook> all = webhooks.all();
        if (all.isEmpty() || RequestMatcher.exempt(request)) {
            return;
        }
        List<Question> questions = new ArrayList<>();
        for (Webhook webhook : all) {
            Request seen = review.matched(webhook, request);
            if (seen != null) {
                questions.add(new Question(webhook, seen));
            }
        }
        if (questions.size() == 1) {
            var _ = review.ask(questions.getFirst().webhook, questions.getFirst().seen, false);
        } else if (!questions.isEmpty()) {
            askAll(questions);
        }
    }

    private void askAll(List<Question> questions) {
        try {
            List<List<ApiException>> refusals = kernel.tasks(AT_ONCE).map(questions, this::refusal);
            for (List<ApiException> refusal : refusals) {
                if (!refusal.isEmpty()) {
                    throw refusal.getFirst();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw Statuses.internal("interrupted while webhooks were asked");
        } catch (ExecutionException | TimeoutException e) {
            throw new IllegalStateException("asking webhooks failed", e);
        }
    }

    private List<ApiException> refusal(Question question) {
        try {
            var _ = review.ask(question.webhook, question.seen, false);
            return List.of();
        } catch (ApiException e) {
            return List.of(e);
        }
    }
}
