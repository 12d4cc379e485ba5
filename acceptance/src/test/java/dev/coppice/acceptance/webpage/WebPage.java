package dev.coppice.acceptance.webpage;

import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Version;
import org.jspecify.annotations.Nullable;

/** A page made of HTML, in a style that a config map may hold. */
@Group("sample.javaoperatorsdk")
@Version("v1")
public final class WebPage extends CustomResource<WebPage.Spec, WebPage.Status> implements Namespaced {
    private static final long serialVersionUID = 1;

    /** The definition, as {@code kubectl apply} takes it. */
    public static final String DEFINITION = """
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata:
              name: webpages.sample.javaoperatorsdk
            spec:
              group: sample.javaoperatorsdk
              names: {kind: WebPage, plural: webpages, singular: webpage}
              scope: Namespaced
              versions:
              - name: v1
                served: true
                storage: true
                subresources: {status: {}}
                schema:
                  openAPIV3Schema:
                    type: object
                    properties:
                      spec:
                        type: object
                        properties:
                          html: {type: string}
                      status:
                        type: object
                        properties:
                          page: {type: string}
                          observedGeneration: {type: integer}
            """;

    public static final class Spec {
        public @Nullable String html;
    }

    public static final class Status {
        public @Nullable String page;
        public @Nullable Long observedGeneration;
    }
}
