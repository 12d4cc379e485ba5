package dev.coppice.expression;

/**
 * Answers questions of Kubernetes' authorizer library: may somebody do something. Give {@link #authorizer} as the value of a
 * variable of type {@link ValueType#AUTHORIZER}. Safe for use by many threads.
 */
@FunctionalInterface
public interface AccessCheck {

    /**
     * A question about a path, or, with an empty path, about a resource.
     *
     * @param serviceAccount {@code NAMESPACE/NAME} of the one it is about; empty for who sent the request
     */
    record Question(
            String serviceAccount,
            String path,
            String verb,
            String group,
            String resource,
            String subresource,
            String namespace,
            String name) {
        public static final Question NONE = new Question("", "", "", "", "", "", "", "");
    }

    /**
     * An answer.
     *
     * @param reason why; may be empty
     */
    record Answer(boolean allowed, String reason) {}

    Answer ask(Question question);

    /** The value of a variable such as {@code authorizer}. */
    default Object authorizer() {
        return new Authorizations.Asking(Authorizations.AUTHORIZER, this, Question.NONE);
    }

    /** The value of a variable such as {@code authorizer.requestResource}. */
    default Object resource(Question question) {
        return new Authorizations.Asking(Authorizations.RESOURCE, this, question);
    }
}
