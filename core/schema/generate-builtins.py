#!/usr/bin/env python3
"""Makes src/main/resources/dev/coppice/schema/builtin/definitions.json.gz: the OpenAPI definitions of the built-in kinds.

Run by hand, when the Kubernetes version changes:

    mvn dependency:get -Dartifact=io.kubernetes:client-java-api:23.0.0:jar:sources -Dtransitive=false
    mvn dependency:get -Dartifact=io.kubernetes:client-java-proto:24.0.0:jar:sources -Dtransitive=false
    unzip the two into folders API and PROTO, then
    core/schema/generate-builtins.py API PROTO

The models of client-java-api 23 are generated from Kubernetes 1.32's OpenAPI: fields, types, required lists and descriptions
come from them. They lack the descriptions of fields that are references, the paragraphs of descriptions and the markers of
lists; those come from the comments of the published protobuf files, and the markers of newer types from MARKS below.
Both sources: Apache License 2.0, copyright The Kubernetes Authors.
"""
import gzip, html, json, pathlib, re, sys

API, PROTO = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
MODELS = API / "io/kubernetes/client/openapi/models"
OUT = pathlib.Path(__file__).parent / "src/main/resources/dev/coppice/schema/builtin/definitions.json.gz"
META = "io.k8s.apimachinery.pkg.apis.meta.v1"
PACKAGES = {  # group -> package
    "": "io.k8s.api.core.v1", "apps": "io.k8s.api.apps.v1", "batch": "io.k8s.api.batch.v1",
    "discovery.k8s.io": "io.k8s.api.discovery.v1", "coordination.k8s.io": "io.k8s.api.coordination.v1",
    "events.k8s.io": "io.k8s.api.events.v1", "rbac.authorization.k8s.io": "io.k8s.api.rbac.v1",
    "apiextensions.k8s.io": "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
    "admissionregistration.k8s.io": "io.k8s.api.admissionregistration.v1",
    "authentication.k8s.io": "io.k8s.api.authentication.v1", "authorization.k8s.io": "io.k8s.api.authorization.v1",
    "autoscaling": "io.k8s.api.autoscaling.v1", "scheduling.k8s.io": "io.k8s.api.scheduling.v1",
}
ROOTS = {
    "": "Namespace ConfigMap Secret ServiceAccount CoreV1Event Service Endpoints Node Pod ResourceQuota LimitRange PodTemplate "
        "ReplicationController",
    "apps": "Deployment ReplicaSet StatefulSet DaemonSet ControllerRevision", "batch": "Job CronJob",
    "discovery.k8s.io": "EndpointSlice", "coordination.k8s.io": "Lease", "events.k8s.io": "EventsV1Event",
    "rbac.authorization.k8s.io": "Role RoleBinding ClusterRole ClusterRoleBinding",
    "apiextensions.k8s.io": "CustomResourceDefinition",
    "admissionregistration.k8s.io": "ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding "
        "ValidatingWebhookConfiguration MutatingWebhookConfiguration",
    "authentication.k8s.io": "TokenReview SelfSubjectReview AuthenticationV1TokenRequest",
    "authorization.k8s.io": "SubjectAccessReview LocalSubjectAccessReview SelfSubjectAccessReview SelfSubjectRulesReview",
    "autoscaling": "Scale", "scheduling.k8s.io": "PriorityClass",
}
LISTLESS = {"TokenReview", "SelfSubjectReview", "TokenRequest", "SubjectAccessReview", "LocalSubjectAccessReview",
            "SelfSubjectAccessReview", "SelfSubjectRulesReview", "Scale"}
META_TYPES = set("ObjectMeta ListMeta LabelSelector LabelSelectorRequirement OwnerReference ManagedFieldsEntry Condition Status "
                 "StatusCause StatusDetails DeleteOptions Preconditions APIGroup APIGroupList APIResource APIResourceList "
                 "APIVersions GroupVersionForDiscovery ServerAddressByClientCIDR WatchEvent FieldSelectorRequirement".split())
CORE_TYPES = set("ObjectReference LocalObjectReference PodTemplateSpec NodeSelector PersistentVolumeClaim Toleration EventSource".split())
PREFIXES = "CoreV1 EventsV1 DiscoveryV1 RbacV1 AuthenticationV1 ApiextensionsV1 AdmissionregistrationV1".split()
MICRO = {"acquireTime", "renewTime", "eventTime", "lastObservedTime"}
MAP = lambda *keys: {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}
PATCH = lambda key="", how="merge": dict({"x-kubernetes-patch-strategy": how}, **({"x-kubernetes-patch-merge-key": key} if key else {}))
KEYED = lambda key, how="merge": {**MAP(key), **PATCH(key, how)}
SET = {"x-kubernetes-list-type": "set"}
MARKS = {
    "ObjectMeta.finalizers": {**SET, **PATCH()}, "ObjectMeta.ownerReferences": KEYED("uid"),
    "NamespaceStatus.conditions": KEYED("type"), "ServiceAccount.secrets": KEYED("name"),
    "ServiceSpec.ports": {**MAP("port", "protocol"), **PATCH("port")}, "ServiceStatus.conditions": KEYED("type"),
    "NodeSpec.podCIDRs": {**SET, **PATCH()}, "NodeStatus.addresses": KEYED("type"), "NodeStatus.conditions": KEYED("type"),
    "PodSpec.volumes": KEYED("name", "merge,retainKeys"), "PodSpec.initContainers": KEYED("name"),
    "PodSpec.containers": KEYED("name"), "PodSpec.ephemeralContainers": KEYED("name"), "PodSpec.hostAliases": KEYED("ip"),
    "PodSpec.imagePullSecrets": KEYED("name"), "PodSpec.schedulingGates": KEYED("name"),
    "PodSpec.resourceClaims": KEYED("name", "merge,retainKeys"),
    "PodSpec.topologySpreadConstraints": {**MAP("topologyKey", "whenUnsatisfiable"), **PATCH("topologyKey")},
    "PodStatus.conditions": KEYED("type"), "PodStatus.podIPs": KEYED("ip"), "PodStatus.hostIPs": PATCH("ip"),
    "PodStatus.resourceClaimStatuses": KEYED("name", "merge,retainKeys"),
    "ResourceRequirements.claims": MAP("name"),
    "DeploymentStatus.conditions": KEYED("type"), "ReplicaSetStatus.conditions": KEYED("type"),
    "ReplicationControllerStatus.conditions": KEYED("type"),
    "StatefulSetStatus.conditions": KEYED("type"), "DaemonSetStatus.conditions": KEYED("type"),
    "JobStatus.conditions": PATCH("type"), "Endpoint.addresses": SET,
    "ValidatingAdmissionPolicySpec.matchConditions": KEYED("name"), "ValidatingAdmissionPolicySpec.variables": KEYED("name"),
    "ValidatingAdmissionPolicyStatus.conditions": MAP("type"), "ValidatingAdmissionPolicyBindingSpec.validationActions": SET,
    "ValidatingWebhookConfiguration.webhooks": KEYED("name"), "MutatingWebhookConfiguration.webhooks": KEYED("name"),
    "ValidatingWebhook.matchConditions": KEYED("name"), "MutatingWebhook.matchConditions": KEYED("name"),
    "CustomResourceDefinitionStatus.conditions": MAP("type"),
    "JSONSchemaProps.x-kubernetes-validations": KEYED("rule"),
    "DeploymentSpec.strategy": PATCH(how="retainKeys"), "Projected.sources": {},
}
for owner in "Container", "EphemeralContainer":
    MARKS.update({
        owner + ".ports": {**MAP("containerPort", "protocol"), **PATCH("containerPort")}, owner + ".env": KEYED("name"),
        owner + ".volumeMounts": KEYED("mountPath"), owner + ".volumeDevices": KEYED("devicePath")})
ATOMIC = set("ConfigMapKeySelector EndpointAddress LocalObjectReference NodeSelector NodeSelectorTerm ObjectFieldSelector "
             "ObjectReference ResourceFieldSelector ScopeSelector ScopedResourceSelectorRequirement SecretKeySelector "
             "SecretReference TypedLocalObjectReference EndpointPort LabelSelector OwnerReference RoleRef Subject "
             "ParamKind ParamRef MatchResources NamedRuleWithOperations".split())
ATOMIC_FIELDS = {"ServiceSpec.selector", "ReplicationControllerSpec.selector", "PodSpec.nodeSelector", "Endpoint.deprecatedTopology"}
DEFAULTS = {"ServicePort.protocol": "TCP", "ContainerPort.protocol": "TCP", "ParamRef": None}
META_TEXT = {
    "metadata": "Standard object's metadata. More info: "
                "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
    "list": "Standard list metadata. More info: "
            "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds",
}

TEXTS = {  # fields that are references, of types that the protobuf files do not have
    "Lease.spec": "spec contains the specification of the Lease. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#spec-and-status",
    "Endpoint.conditions": "conditions contains information about the current status of the endpoint.",
    "Endpoint.hints": "hints contains information associated with how an endpoint should be consumed.",
    "Endpoint.targetRef": "targetRef is a reference to a Kubernetes object that represents this endpoint.",
    "Event.deprecatedSource": "deprecatedSource is the deprecated field assuring backward compatibility with core.v1 Event type.",
    "Event.regarding": "regarding contains the object this Event is about. In most cases it's an Object reporting controller implements, e.g. ReplicaSetController implements ReplicaSets and this event is emitted because it acts on some changes in a ReplicaSet object.",
    "Event.related": "related is the optional secondary object for more complex actions. E.g. when regarding object triggers a creation or deletion of related object.",
    "Event.series": "series is data about the Event series this event represents or nil if it's a singleton Event.",
    "ResourceAttributes.fieldSelector": "fieldSelector describes the limitation on access based on field.  It can only limit access, not broaden it.\n\nThis field  is alpha-level. To use this field, you must enable the `AuthorizeWithSelectors` feature gate (disabled by default).",
    "ResourceAttributes.labelSelector": "labelSelector describes the limitation on access based on labels.  It can only limit access, not broaden it.\n\nThis field  is alpha-level. To use this field, you must enable the `AuthorizeWithSelectors` feature gate (disabled by default).",
    "ContainerStatus.user": "User represents user identity information initially attached to the first process of the container",
    "NodeStatus.features": "Features describes the set of features implemented by the CRI implementation.",
    "CustomResourceConversion.webhook": "webhook describes how to call the conversion webhook. Required when `strategy` is set to `\"Webhook\"`.",
    "SelfSubjectReview.status": "Status is filled in by the server with the user attributes.",
    "ValidatingAdmissionPolicy.spec": "Specification of the desired behavior of the ValidatingAdmissionPolicy.",
    "ValidatingAdmissionPolicy.status": "The status of the ValidatingAdmissionPolicy, including warnings that are useful to determine if the policy behaves in the expected way. Populated by the system. Read-only.",
    "ValidatingAdmissionPolicyBinding.spec": "Specification of the desired behavior of the ValidatingAdmissionPolicyBinding.",
    "ValidatingAdmissionPolicySpec.matchConstraints": "MatchConstraints specifies what resources this policy is designed to validate. The AdmissionPolicy cares about a request if it matches _all_ Constraints. However, in order to prevent clusters from being put into an unstable state that cannot be recovered from via the API ValidatingAdmissionPolicy cannot match ValidatingAdmissionPolicy and ValidatingAdmissionPolicyBinding. Required.",
    "ValidatingAdmissionPolicySpec.paramKind": "ParamKind specifies the kind of resources used to parameterize this policy. If absent, there are no parameters for this policy and the param CEL variable will not be provided to validation expressions. If ParamKind refers to a non-existent kind, this policy definition is mis-configured and the FailurePolicy is applied. If paramKind is specified but paramRef is unset in ValidatingAdmissionPolicyBinding, the params variable will be null.",
    "ValidatingAdmissionPolicyBindingSpec.matchResources": "MatchResources declares what resources match this binding and will be validated by it. Note that this is intersected with the policy's matchConstraints, so only requests that are matched by the policy can be selected by this. If this is unset, all resources matched by the policy are validated by this binding When resourceRules is unset, it does not constrain resource matching. If a resource is matched by the other fields of this object, it will be validated. Note that this is differs from ValidatingAdmissionPolicy matchConstraints, where resourceRules are required.",
    "ValidatingAdmissionPolicyBindingSpec.paramRef": "paramRef specifies the parameter resource used to configure the admission control policy. It should point to a resource of the type specified in ParamKind of the bound ValidatingAdmissionPolicy. If the policy specifies a ParamKind and the resource referred to by ParamRef does not exist, this binding is considered mis-configured and the FailurePolicy of the ValidatingAdmissionPolicy applied. If the policy does not specify a ParamKind then this field is ignored, and the rules are evaluated without a param.",
}
FLATTENED = {"EphemeralContainer": ["EphemeralContainerCommon"], "Volume": ["VolumeSource"], "Probe": ["Handler", "ProbeHandler"]}

# --- the comments of the protobuf files

def joined(text):
    """Joins comment lines as Kubernetes' generators do, without marker lines."""
    out = ""
    for line in text.split("\n"):
        line = line.rstrip()
        lead = line.lstrip(" ")
        if not line:
            out = out.rstrip(" ") + "\n\n"
        elif lead.startswith("+") or lead.startswith("TODO"):
            continue
        elif lead.startswith("---"):
            break
        elif line.startswith(" ") or line.startswith("\t"):
            out = out.rstrip(" ") + ("" if out.endswith("\n") or not out else "\n") + line + "\n"
        else:
            out += line + " "
    return re.sub(r"\n{3,}", "\n\n", out).strip()

def comment(raw):
    text = re.search(r"<pre>\n(.*?)\n\s*\* </pre>", raw, re.S)
    if not text:
        return ""
    return html.unescape("\n".join(re.sub(r"^\s*\* ?", "", l) for l in text.group(1).split("\n")).replace("&#64;", "@").replace("&#42;", "*"))

protos = {}
for file in (PROTO / "io/kubernetes/client/proto").glob("*.java"):
    if not (file.name.startswith("V1") and not re.match(r"V1(alpha|beta)", file.name) or file.name == "V1beta1Apiextensions.java" or file.name in ("Meta.java", "Runtime.java", "IntStr.java", "Resource.java")):
        continue
    source = file.read_text()
    for m in re.finditer(r"public interface (\w+)OrBuilder extends\s+// @@protoc_insertion_point\(interface_extends:k8s\.io\.([\w.\-]+)\.(\w+)\)(.*?)\n  }\n", source, re.S):
        package, name, body = "io.k8s." + m.group(2), m.group(3), m.group(4)
        fields = {}
        for f in re.finditer(r"/\*\*(.*?)\*/", body, re.S):
            declared = re.search(r"<code>(?:optional|repeated|required|map)\S* ?.*?(\w+) = \d+;</code>", f.group(1).replace("&lt;", "<").replace("&gt;", ">"))
            if declared and declared.group(1) not in fields:
                fields[declared.group(1)] = comment(f.group(1))
        protos[package.replace("apiextensions_apiserver", "apiextensions-apiserver").replace("apiextensions.v1beta1", "apiextensions.v1") + "." + name] = fields

# --- the models

def flat(text):
    return re.sub(r"\s+", "", text)

def unescape(text):
    return json.loads('"' + text.replace("\\'", "'") + '"')

def definition_of(java, parent):
    for prefix in PREFIXES:
        if java.startswith(prefix):
            name = java[len(prefix):]
            package = {"CoreV1": PACKAGES[""], "EventsV1": PACKAGES["events.k8s.io"], "DiscoveryV1": PACKAGES["discovery.k8s.io"],
                       "RbacV1": PACKAGES["rbac.authorization.k8s.io"], "AuthenticationV1": PACKAGES["authentication.k8s.io"],
                       "ApiextensionsV1": PACKAGES["apiextensions.k8s.io"],
                       "AdmissionregistrationV1": PACKAGES["admissionregistration.k8s.io"]}[prefix]
            return package + "." + name
    name = java.removeprefix("V1")
    if name in META_TYPES:
        return META + "." + name
    if name in CORE_TYPES:
        return PACKAGES[""] + "." + name
    return parent.rsplit(".", 1)[0] + "." + name

definitions, queue = {}, []

def ref(java, parent):
    name = definition_of(java, parent)
    if name not in definitions:
        definitions[name] = None
        queue.append((name, java))
    return {"$ref": "#/definitions/" + name}

SCALARS = {
    "String": {"type": "string"}, "Boolean": {"type": "boolean"}, "Integer": {"type": "integer", "format": "int32"},
    "Long": {"type": "integer", "format": "int64"}, "Double": {"type": "number", "format": "double"},
    "BigDecimal": {"type": "number"}, "byte[]": {"type": "string", "format": "byte"},
    "IntOrString": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.util.intstr.IntOrString"},
    "Quantity": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.api.resource.Quantity"},
}

def object_ref(parent, field):
    simple = parent.rsplit(".", 1)[1]
    ext = PACKAGES["apiextensions.k8s.io"]
    if simple == "JSONSchemaProps":
        target = {"default": "JSON", "enum": "JSON", "example": "JSON", "additionalItems": "JSONSchemaPropsOrBool",
                  "additionalProperties": "JSONSchemaPropsOrBool", "items": "JSONSchemaPropsOrArray",
                  "dependencies": "JSONSchemaPropsOrStringArray"}[field]
        return {"$ref": "#/definitions/%s.%s" % (ext, target)}
    if field == "fieldsV1":
        return {"$ref": "#/definitions/%s.FieldsV1" % META}
    return {"$ref": "#/definitions/io.k8s.apimachinery.pkg.runtime.RawExtension"}

def schema(java, parent, field):
    java = java.strip()
    m = re.fullmatch(r"(?:List|Set)<(.*)>", java)
    if m:
        return {"type": "array", "items": schema(m.group(1), parent, field)}
    m = re.fullmatch(r"Map<String, (.*)>", java)
    if m:
        return {"type": "object", "additionalProperties": schema(m.group(1), parent, field)}
    if java == "OffsetDateTime":
        return {"$ref": "#/definitions/%s.%s" % (META, "MicroTime" if field in MICRO else "Time")}
    if java == "Object":
        return object_ref(parent, field)
    return dict(SCALARS[java]) if java in SCALARS else ref(java, parent)

def model(name, java):
    source = (MODELS / (java + ".java")).read_text()
    simple = name.rsplit(".", 1)[1]
    head = re.search(r'@ApiModel\(description = "((?:[^"\\]|\\.)*)"\)', source)
    out = {"description": unescape(head.group(1)) if head else "", "type": "object"}
    properties, required = {}, []
    names = re.findall(r'SERIALIZED_NAME_(\S+) = "(.*?)";\s+@SerializedName\(\S+\)\s+private (.*?) (\S+?)(?: = .*?)?;', source)
    texts = re.findall(r'@ApiModelProperty\((required = true, )?value = "((?:[^"\\]|\\.)*)"\)\s+public (.*?) (?:get|is)[\w$]+\(\)', source)
    if len(names) != len(texts):
        raise SystemExit("%s: %d fields, %d texts" % (java, len(names), len(texts)))
    comments = dict(protos.get(name, {}))
    for other in FLATTENED.get(simple, []):
        comments.update(protos.get(name.rsplit(".", 1)[0] + "." + other, {}))
    for (_, field, kind, _), (needed, text, _) in zip(names, texts):
        property = schema(kind, name, field)
        text, raw = unescape(text), comments.get(field if field in comments else re.sub(r"-(.)", lambda m: m.group(1).upper(), field.lstrip("$")), "")
        proto = joined(raw)
        if "$ref" in property and property["$ref"].endswith(("IntOrString", "Quantity", ".Time", ".MicroTime", "JSON")) or not text:
            text = proto or text
        elif proto and flat(proto) == flat(text):
            text = proto
        if field == "metadata" and not text:
            text = META_TEXT["list" if simple.endswith("List") else "metadata"]
        text = text or TEXTS.get(simple + "." + field, "")
        marks = {}
        for key, value in re.findall(r"^\+(listType|listMapKey|patchStrategy|patchMergeKey|mapType)=(\S+)", raw, re.M):
            if key == "listMapKey":
                marks.setdefault("x-kubernetes-list-map-keys", []).append(value)
            elif key == "mapType" or key == "listType":
                marks["x-kubernetes-%s-type" % key[:-4]] = value
            else:
                marks["x-kubernetes-patch-" + key[5:].lower().replace("mergekey", "merge-key")] = value
        marks.update(MARKS.get(simple + "." + field, {}))
        if simple + "." + field in ATOMIC_FIELDS:
            marks["x-kubernetes-map-type"] = "atomic"
        if property.get("type") == "array":
            marks.setdefault("x-kubernetes-list-type", "atomic")
        if DEFAULTS.get(simple + "." + field):
            property["default"] = DEFAULTS[simple + "." + field]
        properties[field] = {**({"description": text} if text else {}), **property, **dict(sorted(marks.items()))}
        if needed:
            required.append(field)
    if properties:
        out["properties"] = dict(sorted(properties.items()))
    if required:
        out["required"] = sorted(required)
    if simple in ATOMIC:
        out["x-kubernetes-map-type"] = "atomic"
    return out

kinds = {}
for group, names in ROOTS.items():
    for java in names.split():
        full = java if any(java.startswith(p) for p in PREFIXES) else "V1" + java
        name = definition_of(full, PACKAGES[group] + ".x")
        ref(full, PACKAGES[group] + ".x")
        kinds[name] = {"group": group, "kind": name.rsplit(".", 1)[1], "version": "v1"}
        if kinds[name]["kind"] not in LISTLESS:
            ref(full + "List", PACKAGES[group] + ".x")
            kinds[definition_of(full + "List", PACKAGES[group] + ".x")] = {"group": group, "kind": kinds[name]["kind"] + "List", "version": "v1"}
for java in "Status DeleteOptions APIGroup APIGroupList APIResourceList APIVersions WatchEvent Condition".split():
    ref("V1" + java, META + ".x")
    kinds[META + "." + java] = {"group": "", "kind": java, "version": "v1"}
del kinds[META + ".Condition"]
while queue:
    name, java = queue.pop()
    definitions[name] = model(name, java)
for name, gvk in kinds.items():
    definitions[name]["x-kubernetes-group-version-kind"] = [gvk]

text = lambda d: {"description": d} if d else {}
ext = PACKAGES["apiextensions.k8s.io"]
definitions.update({
    META + ".Time": {**text("Time is a wrapper around time.Time which supports correct marshaling to YAML and JSON.  Wrappers are provided for many of the factory methods that the time package offers."), "type": "string", "format": "date-time"},
    META + ".MicroTime": {**text("MicroTime is version of Time with microsecond level precision."), "type": "string", "format": "date-time"},
    META + ".FieldsV1": {**text("FieldsV1 stores a set of fields in a data structure like a Trie, in JSON format.\n\nEach key is either a '.' representing the field itself, and will always map to an empty set, or a string representing a sub-field or item. The string will follow one of these four formats: 'f:<name>', where <name> is the name of a field in a struct, or key in a map 'v:<value>', where <value> is the exact json formatted value of a list item 'i:<index>', where <index> is position of a item in a list 'k:<keys>', where <keys> is a map of  a list item's key fields to their unique values If a key maps to an empty Fields value, the field that key represents is part of the set.\n\nThe exact format is defined in sigs.k8s.io/structured-merge-diff"), "type": "object"},
    META + ".Patch": {**text("Patch is provided to give a concrete name and type to the Kubernetes PATCH request body."), "type": "object"},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {**text("IntOrString is a type that can hold an int32 or a string.  When used in JSON or YAML marshalling and unmarshalling, it produces or consumes the inner type.  This allows you to have, for example, a JSON field that can accept a name or number."), "type": "string", "format": "int-or-string"},
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {**text("Quantity is a fixed-point representation of a number. It provides convenient marshaling/unmarshaling in JSON and YAML, in addition to String() and AsInt64() accessors."), "type": "string", "format": "quantity"},
    "io.k8s.apimachinery.pkg.runtime.RawExtension": {**text("RawExtension is used to hold extensions in external versions."), "type": "object"},
    "io.k8s.apimachinery.pkg.version.Info": {**text("Info contains versioning information. how we'll want to distribute that information."), "type": "object",
        "properties": {n: {"type": "string"} for n in "buildDate compiler gitCommit gitTreeState gitVersion goVersion major minor platform".split()},
        "required": "buildDate compiler gitCommit gitTreeState gitVersion goVersion major minor platform".split()},
    ext + ".JSON": text("JSON represents any valid JSON value. These types are supported: bool, int64, float64, string, []interface{}, map[string]interface{} and nil."),
    ext + ".JSONSchemaPropsOrArray": text("JSONSchemaPropsOrArray represents a value that can either be a JSONSchemaProps or an array of JSONSchemaProps. Mainly here for serialization purposes."),
    ext + ".JSONSchemaPropsOrBool": text("JSONSchemaPropsOrBool represents JSONSchemaProps or a boolean value. Defaults to true for the boolean property."),
    ext + ".JSONSchemaPropsOrStringArray": text("JSONSchemaPropsOrStringArray represents a JSONSchemaProps or a string array."),
})
data = json.dumps({"comment": "Definitions of Kubernetes 1.32's API. Copyright The Kubernetes Authors. Licensed under the Apache License, Version 2.0.",
                   "definitions": dict(sorted(definitions.items()))}, separators=(",", ":"), ensure_ascii=False)
OUT.parent.mkdir(parents=True, exist_ok=True)
with open(OUT, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename="") as packed:
    packed.write(data.encode())
print(len(definitions), "definitions,", len(data), "bytes,", OUT.stat().st_size, "packed; without description:",
      sum(1 for d in definitions.values() for p in d.get("properties", {}).values() if "description" not in p))
