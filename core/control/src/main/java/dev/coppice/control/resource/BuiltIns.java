package dev.coppice.control.resource;

import dev.coppice.control.request.Json;
import dev.coppice.control.request.Names;
import dev.coppice.control.storage.ResourceCache;
import dev.coppice.schema.Schema;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import java.util.function.Supplier;

/** The types that are served from the start, with Kubernetes' storage keys, columns and rules. */
public final class BuiltIns {
    public static final String RBAC = "rbac.authorization.k8s.io";
    private static final Duration EVENT_LIFE = Duration.ofHours(1);
    private static final String DATA_TEXT =
            "Data contains the configuration data. Each key must consist of alphanumeric characters, '-', '_' or '.'. "
                    + "Values with non-UTF-8 byte sequences must use the BinaryData field. The keys stored in Data must "
                    + "not overlap with the keys in the BinaryData field, this is enforced during validation process.";

    private final BiFunction<String, String, Schema> schemas;
    private final CacheSource caches;
    private final Map<String, Supplier<ResourceCache>> byPrefix = new HashMap<>();
    private final List<Definition> all = new ArrayList<>();

    /** Gives the cache of a storage prefix. */
    @FunctionalInterface
    public interface CacheSource {
        ResourceCache of(String prefix, boolean namespaced);
    }

    /**
     * The built-ins.
     *
     * @param schemas the schema of an apiVersion and kind
     */
    public BuiltIns(BiFunction<String, String, Schema> schemas, CacheSource caches) {
        this.schemas = schemas;
        this.caches = caches;
    }

    public List<Definition> definitions() {
        if (all.isEmpty()) {
            core();
            rbac();
            groups();
            webhooks();
            mutatingPolicies();
            reviews();
            all.sort(java.util.Comparator.comparing(Definition::group).thenComparing(Definition::plural));
        }
        return List.copyOf(all);
    }

    private Supplier<ResourceCache> cacheOf(String prefix, boolean namespaced) {
        return byPrefix.computeIfAbsent(prefix, p -> lazily(() -> caches.of(p, namespaced)));
    }

    private static <T> Supplier<T> lazily(Supplier<T> source) {
        return new Supplier<>() {
            private volatile @org.jspecify.annotations.Nullable T value;

            @Override
            public T get() {
                T known = value;
                if (known == null) {
                    synchronized (this) {
                        known = value;
                        if (known == null) {
                            known = source.get();
                            value = known;
                        }
                    }
                }
                return known;
            }
        };
    }

    private Definition.Builder define(String group, String version, String plural, String kind, String prefix) {
        String apiVersion = group.isEmpty() ? version : group + "/" + version;
        Definition.Builder b =
                Definition.of(group, version, plural, kind).schema(() -> schemas.apply(apiVersion, kind));
        return prefix.isEmpty() ? b : b.stored("/registry/" + prefix + "/");
    }

    private void add(Definition.Builder builder, boolean namespaced) {
        Definition probe = builder.build();
        if (!namespaced) {
            builder.clusterScoped();
        }
        if (!probe.storagePrefix().isEmpty()) {
            builder.cache(cacheOf(probe.storagePrefix(), namespaced));
        }
        all.add(builder.build());
    }

    private void core() {
        add(
                define("", "v1", "configmaps", "ConfigMap", "configmaps")
                        .shortNames(List.of("cm"))
                        .strategy(CoreStrategies.CONFIG_MAP)
                        .columns(Columns.none()
                                .count(
                                        "Data",
                                        DATA_TEXT,
                                        o -> o.path("data").size()
                                                + o.path("binaryData").size())
                                .age()),
                true);
        add(
                define("", "v1", "secrets", "Secret", "secrets")
                        .sealed()
                        .selectable("type")
                        .strategy(CoreStrategies.SECRET)
                        .columns(Columns.none()
                                .text("Type", o -> o.path("type").asText())
                                .count("Data", "Data.", o -> o.path("data").size())
                                .age()),
                true);
        add(
                define("", "v1", "serviceaccounts", "ServiceAccount", "serviceaccounts")
                        .shortNames(List.of("sa"))
                        .subresources(List.of(new Subresource(
                                "token", "authentication.k8s.io", "v1", "TokenRequest", List.of("create"))))
                        .columns(Columns.none()
                                .count(
                                        "Secrets",
                                        "Secrets.",
                                        o -> o.path("secrets").size())
                                .age()),
                true);
        add(
                define("", "v1", "namespaces", "Namespace", "namespaces")
                        .shortNames(List.of("ns"))
                        .nameRule(Names.Rule.LABEL)
                        .selectable("status.phase", "name")
                        .verbs(List.of("create", "delete", "get", "list", "patch", "update", "watch"))
                        .subresources(List.of(
                                new Subresource("finalize", "", "", "Namespace", List.of("update")),
                                Subresource.status("Namespace")))
                        .strategy(CoreStrategies.NAMESPACE)
                        .columns(Columns.none()
                                .text("Status", o -> Json.text(o, "status", "phase"))
                                .age()),
                false);
        events();
        services();
        add(
                define("", "v1", "resourcequotas", "ResourceQuota", "resourcequotas")
                        .shortNames(List.of("quota"))
                        .subresources(List.of(Subresource.status("ResourceQuota")))
                        .strategy(CoreStrategies.RESOURCE_QUOTA)
                        .columns(Columns.none()
                                .text("Request", o -> Cells.usage(o, false))
                                .text("Limit", o -> Cells.usage(o, true))
                                .age()),
                true);
        add(
                define("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", "persistentvolumeclaims")
                        .shortNames(List.of("pvc"))
                        .subresources(List.of(Subresource.status("PersistentVolumeClaim")))
                        .columns(Columns.none()
                                .text("Status", o -> Json.text(o, "status", "phase"))
                                .text("Volume", o -> Json.text(o, "spec", "volumeName"))
                                .text(
                                        "Capacity",
                                        o -> o.path("status")
                                                .path("capacity")
                                                .path("storage")
                                                .asText(""))
                                .text(
                                        "Access Modes",
                                        o -> String.join(
                                                ",", Json.list(o.path("status").path("accessModes"))))
                                .text("StorageClass", o -> Json.text(o, "spec", "storageClassName"))
                                .age()),
                true);
        add(
                define("", "v1", "nodes", "Node", "minions")
                        .shortNames(List.of("no"))
                        .selectable("spec.unschedulable")
                        .subresources(List.of(Subresource.status("Node")))
                        .columns(Columns.none()
                                .text("Status", Cells::nodeStatus)
                                .text("Roles", Cells::nodeRoles)
                                .age()
                                .text(
                                        "Version",
                                        o -> o.path("status")
                                                .path("nodeInfo")
                                                .path("kubeletVersion")
                                                .asText(""))),
                false);
    }

    private void events() {
        Columns columns = Columns.none()
                .and("Last Seen", "string", 0, "Last Seen.", (o, now) -> Cells.text(Cells.lastSeen(o, now)))
                .text("Type", o -> o.path("type").asText())
                .text("Reason", o -> o.path("reason").asText())
                .text(
                        "Object",
                        o -> o.path("involvedObject").path("kind").asText().toLowerCase(java.util.Locale.ROOT) + "/"
                                + o.path("involvedObject").path("name").asText())
                .text(
                        "Subobject",
                        1,
                        o -> o.path("involvedObject").path("fieldPath").asText(""))
                .text("Source", 1, Cells::eventSource)
                .text("Message", o -> o.path("message").asText("").strip())
                .and("First Seen", "string", 1, "First Seen.", (o, now) -> Cells.text(Cells.firstSeen(o, now)))
                .and(
                        "Count",
                        "integer",
                        1,
                        "Count.",
                        (o, now) -> Json.mapper()
                                .getNodeFactory()
                                .numberNode(Math.max(1, o.path("count").asInt(1))))
                .text("Name", 1, o -> Json.text(o, "metadata", "name"))
                .unnamed();
        String[] fields = {
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type"
        };
        add(
                define("", "v1", "events", "Event", "events")
                        .shortNames(List.of("ev"))
                        .timeToLive(EVENT_LIFE)
                        .selectable(fields)
                        .strategy(CoreStrategies.EVENT)
                        .columns(columns),
                true);
        add(
                define("events.k8s.io", "v1", "events", "Event", "events")
                        .shortNames(List.of("ev"))
                        .timeToLive(EVENT_LIFE)
                        .converted(
                                false,
                                trees -> trees.stream()
                                        .map(EventConversion::fromCore)
                                        .toList(),
                                EventConversion::toCore)
                        .columns(columns),
                true);
    }

    private void services() {
        add(
                define("", "v1", "services", "Service", "services/specs")
                        .shortNames(List.of("svc"))
                        .nameRule(Names.Rule.LABEL_1035)
                        .categories(List.of("all"))
                        .selectable("spec.clusterIP", "spec.type")
                        .subresources(List.of(Subresource.status("Service")))
                        .strategy(CoreStrategies.SERVICE)
                        .columns(Columns.none()
                                .text("Type", o -> Json.text(o, "spec", "type"))
                                .text("Cluster-IP", o -> Cells.orNone(Json.text(o, "spec", "clusterIP")))
                                .text("External-IP", Cells::externalAddresses)
                                .text("Port(s)", Cells::ports)
                                .age()
                                .text(
                                        "Selector",
                                        1,
                                        o -> Cells.orNone(
                                                Cells.join(o.path("spec").path("selector"))))),
                true);
        add(
                define("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", "endpointslices")
                        .strategy(new Strategy() {
                            @Override
                            public boolean generation() {
                                return true;
                            }
                        })
                        .columns(Columns.none()
                                .text("AddressType", o -> o.path("addressType").asText())
                                .text("Ports", Cells::slicePorts)
                                .text("Endpoints", Cells::sliceAddresses)
                                .age()),
                true);
    }

    private void rbac() {
        Columns bindings = Columns.none()
                .text("Role", o -> Json.text(o, "roleRef", "kind") + "/" + Json.text(o, "roleRef", "name"))
                .age()
                .text("Users", 1, o -> Cells.subjects(o, "User"))
                .text("Groups", 1, o -> Cells.subjects(o, "Group"))
                .text("ServiceAccounts", 1, o -> Cells.subjects(o, "ServiceAccount"));
        for (boolean cluster : new boolean[] {true, false}) {
            String prefix = cluster ? "cluster" : "";
            add(
                    define(
                                    RBAC,
                                    "v1",
                                    prefix + "rolebindings",
                                    cluster ? "ClusterRoleBinding" : "RoleBinding",
                                    prefix + "rolebindings")
                            .nameRule(Names.Rule.PATH_SEGMENT)
                            .strategy(GroupStrategies.BINDING)
                            .columns(bindings),
                    !cluster);
            add(
                    define(RBAC, "v1", prefix + "roles", cluster ? "ClusterRole" : "Role", prefix + "roles")
                            .nameRule(Names.Rule.PATH_SEGMENT)
                            .strategy(GroupStrategies.ROLE)
                            .columns(Columns.none().createdAt()),
                    !cluster);
        }
    }

    private void groups() {
        add(
                define("coordination.k8s.io", "v1", "leases", "Lease", "leases")
                        .strategy(GroupStrategies.LEASE)
                        .columns(Columns.none()
                                .text("Holder", o -> Json.text(o, "spec", "holderIdentity"))
                                .age()),
                true);
        add(
                define(
                                "apiextensions.k8s.io",
                                "v1",
                                "customresourcedefinitions",
                                "CustomResourceDefinition",
                                "apiextensions.k8s.io/customresourcedefinitions")
                        .shortNames(List.of("crd", "crds"))
                        .categories(List.of("api-extensions"))
                        .subresources(List.of(Subresource.status("CustomResourceDefinition")))
                        .strategy(CustomDefinitionStrategy.INSTANCE)
                        .columns(Columns.none().createdAt()),
                false);
        add(
                define(
                                "admissionregistration.k8s.io",
                                "v1",
                                "validatingadmissionpolicies",
                                "ValidatingAdmissionPolicy",
                                "validatingadmissionpolicies")
                        .categories(List.of("api-extensions"))
                        .subresources(List.of(Subresource.status("ValidatingAdmissionPolicy")))
                        .strategy(GroupStrategies.POLICY)
                        .columns(Columns.none()
                                .count(
                                        "Validations",
                                        "Validations.",
                                        o -> o.path("spec").path("validations").size())
                                .text("ParamKind", o -> Cells.paramKind(o))
                                .age()),
                false);
        add(
                define(
                                "admissionregistration.k8s.io",
                                "v1",
                                "validatingadmissionpolicybindings",
                                "ValidatingAdmissionPolicyBinding",
                                "validatingadmissionpolicybindings")
                        .categories(List.of("api-extensions"))
                        .strategy(GroupStrategies.POLICY_BINDING)
                        .columns(bindingColumns()),
                false);
    }

    /** In three versions that are alike; stored in the newest one. */
    private void mutatingPolicies() {
        for (String version : List.of("v1", "v1beta1", "v1alpha1")) {
            add(
                    mutating(version, "MutatingAdmissionPolicy", "mutatingadmissionpolicies")
                            .strategy(MutatingPolicyStrategy.POLICY)
                            .columns(Columns.none()
                                    .count(
                                            "Mutations",
                                            "Mutations.",
                                            o -> o.path("spec")
                                                    .path("mutations")
                                                    .size())
                                    .text("ParamKind", o -> Cells.paramKind(o))
                                    .age()),
                    false);
            add(
                    mutating(version, "MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings")
                            .strategy(MutatingPolicyStrategy.BINDING)
                            .columns(bindingColumns()),
                    false);
        }
    }

    private Definition.Builder mutating(String version, String kind, String plural) {
        String group = "admissionregistration.k8s.io";
        String stored = "v1";
        return define(group, version, plural, kind, plural)
                .categories(List.of("api-extensions"))
                .converted(
                        version.equals(stored),
                        trees -> {
                            trees.forEach(tree -> tree.put("apiVersion", group + "/" + version));
                            return trees;
                        },
                        tree -> tree.put("apiVersion", group + "/" + stored));
    }

    private static Columns bindingColumns() {
        return Columns.none()
                .text("PolicyName", o -> Json.text(o, "spec", "policyName"))
                .text(
                        "ParamRef",
                        o -> Cells.orUnset(
                                o.path("spec").path("paramRef").path("name").asText("")))
                .age();
    }

    private void webhooks() {
        for (String kind : List.of("Mutating", "Validating")) {
            String plural = kind.toLowerCase(java.util.Locale.ROOT) + "webhookconfigurations";
            add(
                    define("admissionregistration.k8s.io", "v1", plural, kind + "WebhookConfiguration", plural)
                            .categories(List.of("api-extensions"))
                            .strategy(WebhookStrategy.INSTANCE)
                            .columns(Columns.none()
                                    .count(
                                            "Webhooks",
                                            "Webhooks indicates the number of webhooks registered in this configuration",
                                            o -> o.path("webhooks").size())
                                    .age()),
                    false);
        }
    }

    private void reviews() {
        String authorization = "authorization.k8s.io";
        review(authorization, "localsubjectaccessreviews", "LocalSubjectAccessReview", true);
        review(authorization, "selfsubjectaccessreviews", "SelfSubjectAccessReview", false);
        review(authorization, "selfsubjectrulesreviews", "SelfSubjectRulesReview", false);
        review(authorization, "subjectaccessreviews", "SubjectAccessReview", false);
        review("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview", false);
        review("authentication.k8s.io", "tokenreviews", "TokenReview", false);
    }

    private void review(String group, String plural, String kind, boolean namespaced) {
        add(define(group, "v1", plural, kind, "").verbs(List.of("create")), namespaced);
    }
}
