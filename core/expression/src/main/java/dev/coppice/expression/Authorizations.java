package dev.coppice.expression;

import static dev.cel.common.types.SimpleType.BOOL;
import static dev.cel.common.types.SimpleType.STRING;

import dev.cel.common.types.OpaqueType;
import dev.coppice.expression.AccessCheck.Answer;
import dev.coppice.expression.AccessCheck.Question;

/** Kubernetes' authorizer library (apiserver/pkg/cel/library/authz.go), with its cost of a check. */
final class Authorizations {
    static final OpaqueType AUTHORIZER = OpaqueType.create("kubernetes.authorization.Authorizer");
    static final OpaqueType PATH = OpaqueType.create("kubernetes.authorization.PathCheck");
    static final OpaqueType GROUP = OpaqueType.create("kubernetes.authorization.GroupCheck");
    static final OpaqueType RESOURCE = OpaqueType.create("kubernetes.authorization.ResourceCheck");
    static final OpaqueType DECISION = OpaqueType.create("kubernetes.authorization.Decision");
    static final long CHECK_COST = 350_000;

    private Authorizations() {}

    static void addTo(Library library) {
        library.member("path", "authorizer_path", a -> path(a), PATH, AUTHORIZER, STRING);
        library.member("group", "authorizer_group", a -> asking(a).group((String) a[1]), GROUP, AUTHORIZER, STRING);
        library.member(
                "serviceAccount",
                "authorizer_serviceaccount",
                a -> asking(a).serviceAccount(a[1] + "/" + a[2]),
                AUTHORIZER,
                AUTHORIZER,
                STRING,
                STRING);
        library.member(
                "resource", "groupcheck_resource", a -> asking(a).resource((String) a[1]), RESOURCE, GROUP, STRING);
        library.member(
                "subresource",
                "resourcecheck_subresource",
                a -> asking(a).subresource((String) a[1]),
                RESOURCE,
                RESOURCE,
                STRING);
        library.member(
                "namespace",
                "resourcecheck_namespace",
                a -> asking(a).namespace((String) a[1]),
                RESOURCE,
                RESOURCE,
                STRING);
        library.member("name", "resourcecheck_name", a -> asking(a).name((String) a[1]), RESOURCE, RESOURCE, STRING);
        library.member("check", "pathcheck_check", a -> asking(a).check((String) a[1]), DECISION, PATH, STRING);
        library.member("check", "resourcecheck_check", a -> asking(a).check((String) a[1]), DECISION, RESOURCE, STRING);
        library.member("allowed", "decision_allowed", a -> decision(a).answer.allowed(), BOOL, DECISION);
        library.member("reason", "decision_reason", a -> decision(a).answer.reason(), STRING, DECISION);
        library.member("errored", "decision_errored", _ -> false, BOOL, DECISION);
        library.member("error", "decision_error", _ -> "", STRING, DECISION);
    }

    private static Asking asking(Object[] arguments) {
        return (Asking) arguments[0];
    }

    private static Decision decision(Object[] arguments) {
        return (Decision) arguments[0];
    }

    private static Asking path(Object[] arguments) {
        String path = (String) arguments[1];
        if (path.isEmpty()) {
            throw new FunctionException("path must not be empty");
        }
        return asking(arguments).path(path);
    }

    /** A question on its way. */
    static final class Asking extends Opaque {
        private final OpaqueType type;
        private final AccessCheck check;
        private final Question question;

        Asking(OpaqueType type, AccessCheck check, Question question) {
            super(type);
            this.type = type;
            this.check = check;
            this.question = question;
        }

        private Asking with(OpaqueType other, Question next) {
            return new Asking(other, check, next);
        }

        Asking path(String path) {
            return with(PATH, new Question(question.serviceAccount(), path, "", "", "", "", "", ""));
        }

        Asking group(String group) {
            return with(GROUP, new Question(question.serviceAccount(), "", "", group, "", "", "", ""));
        }

        Asking serviceAccount(String account) {
            return with(AUTHORIZER, new Question(account, "", "", "", "", "", "", ""));
        }

        Asking resource(String resource) {
            return with(RESOURCE, changed(resource, "", "", ""));
        }

        Asking subresource(String subresource) {
            return with(RESOURCE, changed(question.resource(), subresource, question.namespace(), question.name()));
        }

        Asking namespace(String namespace) {
            return with(RESOURCE, changed(question.resource(), question.subresource(), namespace, question.name()));
        }

        Asking name(String name) {
            return with(RESOURCE, changed(question.resource(), question.subresource(), question.namespace(), name));
        }

        private Question changed(String resource, String subresource, String namespace, String name) {
            return new Question(
                    question.serviceAccount(), "", "", question.group(), resource, subresource, namespace, name);
        }

        Decision check(String verb) {
            if (Budget.CURRENT.isBound()) {
                Budget.CURRENT.get().charge(CHECK_COST);
            }
            Question q = question;
            return new Decision(check.ask(new Question(
                    q.serviceAccount(),
                    q.path(),
                    verb,
                    q.group(),
                    q.resource(),
                    q.subresource(),
                    q.namespace(),
                    q.name())));
        }

        @Override
        Object content() {
            return question;
        }

        @Override
        public String toString() {
            return type.name();
        }
    }

    /** What an authorizer answered. */
    static final class Decision extends Opaque {
        private final Answer answer;

        Decision(Answer answer) {
            super(DECISION);
            this.answer = answer;
        }

        @Override
        Object content() {
            return answer;
        }

        @Override
        public String toString() {
            return answer.allowed() ? "allowed" : "denied";
        }
    }
}
