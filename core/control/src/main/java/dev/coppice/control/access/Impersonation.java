package dev.coppice.control.access;

import dev.coppice.control.Authorizer;
import dev.coppice.control.request.Statuses;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Identity;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Lets those who may act as somebody else, by the Impersonate- headers. */
public final class Impersonation {
    private static final String ACCOUNT = "system:serviceaccount:";
    private static final String AUTHENTICATION = "authentication.k8s.io";

    private Impersonation() {}

    /** Impersonation was asked for without a user. Kubernetes answers this in plain text. */
    public static final class NoUserException extends Exception {
        public NoUserException(String message) {
            super(message);
        }
    }

    /** Who the request is to be treated as. */
    public static Identity effective(Exchange exchange, Identity real, Authorizer authorizer, List<String> extraNames)
            throws NoUserException {
        String user = exchange.header("Impersonate-User").orElse("");
        List<String> groups = exchange.headers("Impersonate-Group");
        String uid = exchange.header("Impersonate-Uid").orElse("");
        Map<String, List<String>> extra = extras(exchange, extraNames);
        if (user.isEmpty()) {
            if (!groups.isEmpty() || !uid.isEmpty() || !extra.isEmpty()) {
                StringBuilder asked = new StringBuilder();
                groups.forEach(g -> asked.append(asked.isEmpty() ? "" : " ").append("{Group  " + g + "    }"));
                throw new NoUserException("requested [" + asked + "] without impersonating a user");
            }
            return real;
        }
        String namespace = "";
        String account = "";
        if (user.startsWith(ACCOUNT) && user.indexOf(':', ACCOUNT.length()) > 0) {
            int colon = user.indexOf(':', ACCOUNT.length());
            namespace = user.substring(ACCOUNT.length(), colon);
            account = user.substring(colon + 1);
            check(authorizer, real, "", "serviceaccounts", namespace, account);
        } else {
            check(authorizer, real, "", "users", "", user);
        }
        groups.forEach(g -> check(authorizer, real, "", "groups", "", g));
        if (!uid.isEmpty()) {
            check(authorizer, real, AUTHENTICATION, "uids", "", uid);
        }
        extra.forEach(
                (k, values) -> values.forEach(v -> check(authorizer, real, AUTHENTICATION, "userextras/" + k, "", v)));
        List<String> all = new ArrayList<>(groups);
        if (!account.isEmpty() && groups.isEmpty()) {
            all.add("system:serviceaccounts");
            all.add("system:serviceaccounts:" + namespace);
        }
        String last = user.equals("system:anonymous") ? "system:unauthenticated" : "system:authenticated";
        if (!all.contains("system:authenticated") && !all.contains("system:unauthenticated")) {
            all.add(last);
        }
        return new Identity(user, uid, all, extra);
    }

    private static Map<String, List<String>> extras(Exchange exchange, List<String> names) {
        Map<String, List<String>> extra = new LinkedHashMap<>();
        for (String name : names) {
            String lower = name.toLowerCase(Locale.ROOT);
            if (lower.startsWith("impersonate-extra-")
                    && !exchange.headers(name).isEmpty()) {
                String key = URLDecoder.decode(lower.substring("impersonate-extra-".length()), StandardCharsets.UTF_8);
                extra.put(key, exchange.headers(name));
            }
        }
        return extra;
    }

    private static void check(
            Authorizer authorizer, Identity real, String group, String resource, String namespace, String name) {
        var action = new Authorizer.Action("impersonate", group, resource, namespace, name);
        if (!authorizer.authorize(real, action).allowed()) {
            int slash = resource.indexOf('/');
            throw Statuses.forbidden(
                    group, slash < 0 ? resource : resource.substring(0, slash), name, refusal(real, action));
        }
    }

    /** Why somebody may not do something, in Kubernetes' words. */
    public static String refusal(Identity who, Authorizer.Action a) {
        String where =
                a.namespace().isEmpty() ? "at the cluster scope" : "in the namespace " + Statuses.quote(a.namespace());
        return "User " + Statuses.quote(who.name()) + " cannot " + a.verb() + " resource "
                + Statuses.quote(a.resource()) + " in API group " + Statuses.quote(a.group()) + " " + where;
    }
}
