package dev.coppice.control;

import dev.coppice.serving.Identity;

/** Decides who may do what (RBAC). Safe for use by many threads. */
public interface Authorizer {

    /**
     * One question.
     *
     * @param verb such as {@code get}, {@code use}
     * @param group the API group; empty for core
     * @param resource plural, with a sub-resource after a slash, such as {@code pods/log}; {@code *} for any
     * @param namespace empty for cluster-scoped or all namespaces
     * @param name empty for any
     */
    record Action(String verb, String group, String resource, String namespace, String name) {}

    /**
     * The answer.
     *
     * @param reason why, in words; empty when there is nothing to say
     */
    record Decision(boolean allowed, String reason) {}

    Decision authorize(Identity identity, Action action);

    /** The same for a path that is no resource, such as {@code /metrics}. */
    Decision authorizePath(Identity identity, String verb, String path);
}
