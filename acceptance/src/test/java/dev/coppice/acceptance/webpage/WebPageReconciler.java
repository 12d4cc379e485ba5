package dev.coppice.acceptance.webpage;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.Cleaner;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ControllerConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.DeleteControl;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.api.reconciler.Workflow;
import io.javaoperatorsdk.operator.api.reconciler.dependent.Dependent;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/** Keeps each page's config map, watches the style that all of them share, and cleans up behind a finalizer. */
@Workflow(dependents = @Dependent(name = "content", type = PageContent.class))
@ControllerConfiguration(name = "webpages")
public final class WebPageReconciler implements Reconciler<WebPage>, Cleaner<WebPage> {
    private final Set<String> cleaned = ConcurrentHashMap.newKeySet();

    /** Names of pages that went through {@link #cleanup}. */
    public Set<String> cleaned() {
        return cleaned;
    }

    @Override
    public List<EventSource<?, WebPage>> prepareEventSources(EventSourceContext<WebPage> context) {
        return List.of(new InformerEventSource<>(
                InformerEventSourceConfiguration.from(ConfigMap.class, WebPage.class)
                        .withName("styles")
                        .withLabelSelector("role=style")
                        .withSecondaryToPrimaryMapper(style -> context.getPrimaryCache()
                                .list(page -> page.getMetadata()
                                        .getNamespace()
                                        .equals(style.getMetadata().getNamespace()))
                                .map(ResourceID::fromResource)
                                .collect(Collectors.toSet()))
                        .withPrimaryToSecondaryMapper((WebPage page) -> Set.of(new ResourceID(
                                PageContent.STYLE, page.getMetadata().getNamespace())))
                        .build(),
                context));
    }

    @Override
    public UpdateControl<WebPage> reconcile(WebPage page, Context<WebPage> context) {
        WebPage.Status status = new WebPage.Status();
        status.page = context.getSecondaryResources(ConfigMap.class).stream()
                .map(each -> each.getMetadata().getName())
                .filter(each -> !each.equals(PageContent.STYLE))
                .findFirst()
                .orElse("");
        status.observedGeneration = page.getMetadata().getGeneration();
        page.setStatus(status);
        page.getMetadata().setManagedFields(null);
        return UpdateControl.patchStatus(page);
    }

    @Override
    public DeleteControl cleanup(WebPage page, Context<WebPage> context) {
        cleaned.add(page.getMetadata().getName());
        return DeleteControl.defaultDelete();
    }
}
