package dev.coppice.control.lifecycle;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.engine.Caller;
import dev.coppice.control.engine.Engine;
import dev.coppice.control.engine.Target;
import dev.coppice.control.engine.WriteOptions;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.BuiltIns;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Registry;
import java.util.List;
import java.util.Objects;

/** Makes what has to be there from the start: namespaces, default roles and their bindings. */
public final class Bootstrap {
    public static final List<String> NAMESPACES =
            List.of("default", "kube-system", "kube-public", "kube-node-lease", "coppice-system");
    private static final List<String> DISCOVERY = List.of(
            "/api",
            "/api/*",
            "/apis",
            "/apis/*",
            "/healthz",
            "/livez",
            "/openapi",
            "/openapi/*",
            "/readyz",
            "/version",
            "/version/");
    private static final List<String> READ = List.of("get", "list", "watch");
    private static final List<String> WRITE =
            List.of("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch");

    private final Engine engine;
    private final Registry registry;
    private final Caller caller = Caller.internal("bootstrap");

    public Bootstrap(Engine engine, Registry registry) {
        this.engine = engine;
        this.registry = registry;
    }

    public void run() {
        for (String name : NAMESPACES) {
            create("", "namespaces", name, Json.object());
        }
        role("cluster-admin", rules -> {
            rule(rules, List.of("*"), List.of("*"), List.of("*"));
            paths(rules, List.of("*"), List.of("*"));
        });
        role("system:discovery", rules -> paths(rules, List.of("get"), DISCOVERY));
        role(
                "system:public-info-viewer",
                rules -> paths(
                        rules, List.of("get"), List.of("/healthz", "/livez", "/readyz", "/version", "/version/")));
        role("system:basic-user", rules -> {
            rule(
                    rules,
                    List.of("create"),
                    List.of("authorization.k8s.io"),
                    List.of("selfsubjectaccessreviews", "selfsubjectrulesreviews"));
            rule(rules, List.of("create"), List.of("authentication.k8s.io"), List.of("selfsubjectreviews"));
        });
        role(
                "system:service-account-issuer-discovery",
                rules -> paths(
                        rules,
                        List.of("get"),
                        List.of(
                                "/.well-known/openid-configuration",
                                "/.well-known/openid-configuration/",
                                "/openid/v1/jwks",
                                "/openid/v1/jwks/")));
        userRoles();
        bind("cluster-admin", "cluster-admin", "system:masters");
        bind("system:discovery", "system:discovery", "system:authenticated");
        bind(
                "system:service-account-issuer-discovery",
                "system:service-account-issuer-discovery",
                "system:serviceaccounts");
        bind("system:basic-user", "system:basic-user", "system:authenticated");
        bind(
                "system:public-info-viewer",
                "system:public-info-viewer",
                "system:authenticated",
                "system:unauthenticated");
    }

    private void userRoles() {
        List<String> plain =
                List.of("configmaps", "events", "services", "resourcequotas", "serviceaccounts", "endpoints");
        role("view", rules -> {
            rule(rules, READ, List.of(""), plain);
            rule(rules, READ, List.of("discovery.k8s.io"), List.of("endpointslices"));
            rule(rules, READ, List.of("coordination.k8s.io"), List.of("leases"));
        });
        role("edit", rules -> {
            rule(rules, WRITE, List.of(""), List.of("configmaps", "secrets", "services", "serviceaccounts"));
            rule(rules, READ, List.of(""), plain);
            rule(rules, List.of("create"), List.of(""), List.of("serviceaccounts/token", "events"));
            rule(rules, WRITE, List.of("discovery.k8s.io"), List.of("endpointslices"));
            rule(rules, WRITE, List.of("coordination.k8s.io"), List.of("leases"));
        });
        role("admin", rules -> {
            rule(rules, WRITE, List.of(""), List.of("configmaps", "secrets", "services", "serviceaccounts"));
            rule(rules, READ, List.of(""), plain);
            rule(rules, READ, List.of(""), List.of("namespaces"));
            rule(rules, List.of("create"), List.of(""), List.of("serviceaccounts/token", "events"));
            rule(rules, WRITE, List.of("discovery.k8s.io"), List.of("endpointslices"));
            rule(rules, WRITE, List.of("coordination.k8s.io"), List.of("leases"));
            rule(rules, WRITE, List.of(BuiltIns.RBAC), List.of("roles", "rolebindings"));
            rule(rules, List.of("create"), List.of("authorization.k8s.io"), List.of("localsubjectaccessreviews"));
        });
    }

    private void role(String name, java.util.function.Consumer<ArrayNode> rules) {
        ObjectNode role = Json.object();
        Json.child(Json.metadata(role), "labels").put("kubernetes.io/bootstrapping", "rbac-defaults");
        rules.accept(role.putArray("rules"));
        create(BuiltIns.RBAC, "clusterroles", name, role);
    }

    private static void rule(ArrayNode rules, List<String> verbs, List<String> groups, List<String> resources) {
        ObjectNode rule = rules.addObject();
        rule.set("apiGroups", Json.array(groups));
        rule.set("resources", Json.array(resources));
        rule.set("verbs", Json.array(verbs));
    }

    private static void paths(ArrayNode rules, List<String> verbs, List<String> urls) {
        ObjectNode rule = rules.addObject();
        rule.set("nonResourceURLs", Json.array(urls));
        rule.set("verbs", Json.array(verbs));
    }

    private void bind(String name, String role, String... groups) {
        ObjectNode binding = Json.object();
        Json.child(Json.metadata(binding), "labels").put("kubernetes.io/bootstrapping", "rbac-defaults");
        binding.putObject("roleRef")
                .put("apiGroup", BuiltIns.RBAC)
                .put("kind", "ClusterRole")
                .put("name", role);
        ArrayNode subjects = binding.putArray("subjects");
        for (String group : groups) {
            subjects.addObject()
                    .put("apiGroup", BuiltIns.RBAC)
                    .put("kind", "Group")
                    .put("name", group);
        }
        create(BuiltIns.RBAC, "clusterrolebindings", name, binding);
    }

    private void create(String group, String plural, String name, ObjectNode object) {
        Definition d = Objects.requireNonNull(registry.find(group, "v1", plural));
        Target target = Target.of(d, "", name);
        if (engine.read(target) != null) {
            return;
        }
        object.put("apiVersion", d.apiVersion()).put("kind", d.kind());
        Json.metadata(object).put("name", name);
        try {
            var unused = engine.create(Target.of(d, "", ""), object, WriteOptions.manager("coppice"), caller);
        } catch (ApiException e) {
            // Another node of the cluster starts at the same time.
            if (e.code() != 409) {
                throw e;
            }
        }
    }
}
