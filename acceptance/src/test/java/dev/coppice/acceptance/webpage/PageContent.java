package dev.coppice.acceptance.webpage;

import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.javaoperatorsdk.operator.api.config.informer.Informer;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.CRUDKubernetesDependentResource;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependent;
import java.util.Map;

/** The config map that a page is served from: a dependent resource. */
@KubernetesDependent(informer = @Informer(labelSelector = "made-by=webpages"))
public final class PageContent extends CRUDKubernetesDependentResource<ConfigMap, WebPage> {
    static final String STYLE = "style";

    @Override
    protected ConfigMap desired(WebPage page, Context<WebPage> context) {
        String style = context.getSecondaryResources(ConfigMap.class).stream()
                .filter(each -> each.getMetadata().getName().equals(STYLE))
                .map(each -> each.getData().get("css"))
                .findFirst()
                .orElse("plain");
        return new ConfigMapBuilder()
                .withNewMetadata()
                .withName(page.getMetadata().getName() + "-html")
                .withNamespace(page.getMetadata().getNamespace())
                .withLabels(Map.of("made-by", "webpages"))
                .endMetadata()
                .addToData("index.html", "<style>" + style + "</style>" + page.getSpec().html)
                .build();
    }
}
