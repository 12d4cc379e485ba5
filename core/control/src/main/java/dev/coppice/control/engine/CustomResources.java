package dev.coppice.control.engine;

/** Names that belong to custom resources. */
public final class CustomResources {
    /** Holds a CustomResourceDefinition until its objects are gone. */
    public static final String FINALIZER = "customresourcecleanup.apiextensions.k8s.io";

    public static final String GROUP = "apiextensions.k8s.io";

    private CustomResources() {}
}
