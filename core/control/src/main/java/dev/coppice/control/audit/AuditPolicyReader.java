package dev.coppice.control.audit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.coppice.control.request.Statuses;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.yaml.snakeyaml.LoaderOptions;

/** Reads a policy, YAML or JSON, and tells everything that is wrong with it at once. */
public final class AuditPolicyReader {
    static final String API_VERSION = "audit.k8s.io/v1";
    private static final int MOST_BYTES = 1 << 20;
    private static final List<String> FIELDS =
            List.of("apiVersion", "kind", "metadata", "rules", "omitStages", "omitManagedFields");
    private static final List<String> RULE_FIELDS = List.of(
            "level",
            "users",
            "userGroups",
            "verbs",
            "resources",
            "namespaces",
            "nonResourceURLs",
            "omitStages",
            "omitManagedFields");
    private static final List<String> RESOURCE_FIELDS = List.of("group", "resources", "resourceNames");
    private static final List<String> LEVELS =
            Arrays.stream(AuditLevel.values()).map(AuditLevel::text).toList();
    private static final List<String> STAGES =
            Arrays.stream(AuditStage.values()).map(AuditStage::text).toList();

    private final List<String> problems = new ArrayList<>();

    private AuditPolicyReader() {}

    /**
     * Reads one.
     *
     * @throws InvalidAuditPolicyException with all that is wrong
     */
    public static AuditPolicy read(String text) throws InvalidAuditPolicyException {
        if (text.length() > MOST_BYTES) {
            throw new InvalidAuditPolicyException(List.of("it has more than " + MOST_BYTES + " characters"));
        }
        JsonNode tree;
        try {
            LoaderOptions limits = new LoaderOptions();
            limits.setMaxAliasesForCollections(50);
            limits.setNestingDepthLimit(50);
            tree = new ObjectMapper(YAMLFactory.builder().loaderOptions(limits).build()).readTree(text);
        } catch (JsonProcessingException e) {
            throw new InvalidAuditPolicyException(List.of("it is no YAML: " + e.getOriginalMessage()));
        } catch (RuntimeException e) {
            throw new InvalidAuditPolicyException(List.of("it is no YAML: " + e.getMessage()));
        }
        if (tree == null || !tree.isObject()) {
            throw new InvalidAuditPolicyException(
                    List.of("it is no object: expected apiVersion: " + API_VERSION + ", kind: Policy and rules"));
        }
        AuditPolicyReader reader = new AuditPolicyReader();
        AuditPolicy policy = reader.policy(tree);
        if (!reader.problems.isEmpty()) {
            throw new InvalidAuditPolicyException(reader.problems);
        }
        return policy;
    }

    private AuditPolicy policy(JsonNode tree) {
        known(tree, "", FIELDS);
        exactly(tree, "apiVersion", API_VERSION);
        exactly(tree, "kind", "Policy");
        JsonNode rules = tree.path("rules");
        List<AuditRule> read = new ArrayList<>();
        if (!rules.isArray() || rules.isEmpty()) {
            problems.add("rules: " + shown(rules) + ": expected at least one rule, such as {level: Metadata}");
        } else {
            for (int i = 0; i < rules.size(); i++) {
                read.add(rule(rules.get(i), "rules[" + i + "]"));
            }
        }
        return new AuditPolicy(read, stages(tree, ""), flag(tree, "") == Boolean.TRUE);
    }

    private AuditRule rule(JsonNode rule, String at) {
        if (!rule.isObject()) {
            problems.add(at + ": " + shown(rule) + ": expected an object with a level");
            return new AuditRule(
                    AuditLevel.NONE, List.of(), List.of(), List.of(), List.of(), List.of(), List.of(), Set.of(), null);
        }
        String prefix = at + ".";
        known(rule, prefix, RULE_FIELDS);
        String level = rule.path("level").asText("");
        if (!LEVELS.contains(level)) {
            problems.add(prefix + "level: " + shown(rule.path("level")) + ": expected one of " + LEVELS);
        }
        List<String> paths = texts(rule, prefix, "nonResourceURLs");
        for (int i = 0; i < paths.size(); i++) {
            String path = paths.get(i);
            int star = path.indexOf('*');
            if (!path.equals("*") && (!path.startsWith("/") || star >= 0 && star < path.length() - 1)) {
                problems.add(prefix + "nonResourceURLs[" + i + "]: " + Statuses.quote(path)
                        + ": expected a path that begins with / and has a * at its end only, or *");
            }
        }
        List<AuditRule.Resources> resources = resources(rule.path("resources"), prefix + "resources");
        List<String> namespaces = texts(rule, prefix, "namespaces");
        if (!paths.isEmpty() && !(resources.isEmpty() && namespaces.isEmpty())) {
            problems.add(prefix + "nonResourceURLs: " + paths
                    + ": expected none beside resources or namespaces: no request has both; make two rules");
        }
        return new AuditRule(
                AuditLevel.of(level).orElse(AuditLevel.NONE),
                texts(rule, prefix, "users"),
                texts(rule, prefix, "userGroups"),
                texts(rule, prefix, "verbs"),
                resources,
                namespaces,
                paths,
                stages(rule, prefix),
                flag(rule, prefix));
    }

    private List<AuditRule.Resources> resources(JsonNode list, String at) {
        List<AuditRule.Resources> read = new ArrayList<>();
        if (!list.isArray()) {
            if (!list.isMissingNode() && !list.isNull()) {
                problems.add(at + ": " + shown(list) + ": expected a list of {group, resources, resourceNames}");
            }
            return read;
        }
        for (int i = 0; i < list.size(); i++) {
            String prefix = at + "[" + i + "].";
            JsonNode each = list.get(i);
            if (!each.isObject()) {
                problems.add(at + "[" + i + "]: " + shown(each) + ": expected {group, resources, resourceNames}");
                continue;
            }
            known(each, prefix, RESOURCE_FIELDS);
            JsonNode group = each.path("group");
            if (!group.isMissingNode() && !group.isTextual() || group.asText().matches(".*[/*\\s].*")) {
                problems.add(prefix + "group: " + shown(group)
                        + ": expected the name of an API group without its version, such as apps, or \"\" for core");
            }
            List<String> resources = texts(each, prefix, "resources");
            List<String> names = texts(each, prefix, "resourceNames");
            if (resources.isEmpty() && !names.isEmpty()) {
                problems.add(prefix + "resourceNames: " + names + ": expected resources beside it");
            }
            read.add(new AuditRule.Resources(group.asText(""), resources, names));
        }
        return read;
    }

    private Set<AuditStage> stages(JsonNode tree, String prefix) {
        Set<AuditStage> stages = EnumSet.noneOf(AuditStage.class);
        List<String> texts = texts(tree, prefix, "omitStages");
        for (int i = 0; i < texts.size(); i++) {
            String text = texts.get(i);
            AuditStage.of(text)
                    .ifPresentOrElse(
                            stages::add,
                            problem(prefix + "omitStages[" + i + "]: " + Statuses.quote(text) + ": expected one of "
                                    + STAGES));
        }
        return stages;
    }

    private Runnable problem(String text) {
        return () -> problems.add(text);
    }

    private @org.jspecify.annotations.Nullable Boolean flag(JsonNode tree, String prefix) {
        JsonNode flag = tree.path("omitManagedFields");
        if (flag.isMissingNode() || flag.isNull()) {
            return null;
        }
        if (!flag.isBoolean()) {
            problems.add(prefix + "omitManagedFields: " + shown(flag) + ": expected true or false");
        }
        return flag.asBoolean();
    }

    private List<String> texts(JsonNode tree, String prefix, String field) {
        JsonNode list = tree.path(field);
        List<String> texts = new ArrayList<>();
        if (list.isMissingNode() || list.isNull()) {
            return texts;
        }
        if (!list.isArray()) {
            problems.add(prefix + field + ": " + shown(list) + ": expected a list of texts");
            return texts;
        }
        for (int i = 0; i < list.size(); i++) {
            if (!list.get(i).isTextual()) {
                problems.add(prefix + field + "[" + i + "]: " + shown(list.get(i)) + ": expected a text");
            }
            texts.add(list.get(i).asText());
        }
        return texts;
    }

    private void exactly(JsonNode tree, String field, String expected) {
        if (!tree.path(field).asText().equals(expected)) {
            problems.add(field + ": " + shown(tree.path(field)) + ": expected " + expected);
        }
    }

    private void known(JsonNode tree, String prefix, List<String> fields) {
        tree.fieldNames().forEachRemaining(name -> {
            if (!fields.contains(name)) {
                problems.add(prefix + name + ": is unknown: expected one of " + fields);
            }
        });
    }

    private static String shown(JsonNode value) {
        String text = value.isMissingNode() ? "is missing" : value.toString();
        return text.length() > 100 ? text.substring(0, 100) + "…" : text;
    }
}
