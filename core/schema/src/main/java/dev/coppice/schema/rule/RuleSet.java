package dev.coppice.schema.rule;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.expression.Budget;
import dev.coppice.expression.EvaluationException;
import dev.coppice.schema.Cause;
import dev.coppice.schema.Schema;
import dev.coppice.schema.ValidationRule;
import dev.coppice.schema.Values;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * All CEL rules of a schema. Rules are compiled when first run, and run within one budget an object. Immutable but for
 * that, and thread-safe.
 *
 * @see <a href="https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules">
 *     Validation rules</a>
 */
public final class RuleSet {
    private static final Set<String> BLOCKING = Set.of(
            "FieldValueNotSupported",
            "FieldValueRequired",
            "FieldValueTooLong",
            "FieldValueTooMany",
            "FieldValueTypeInvalid");

    private final @Nullable Level root;

    private RuleSet(@Nullable Level root) {
        this.root = root;
    }

    /** The rules of a schema. Cheap: nothing is compiled yet. */
    public static RuleSet of(Schema schema) {
        return new RuleSet(Level.of(schema, new ConcurrentHashMap<>()));
    }

    public boolean isEmpty() {
        return root == null;
    }

    /**
     * Runs the rules over a tree that is valid otherwise.
     *
     * @param old the value before an update, or null: rules with oldSelf need it, and rules over what did not change are
     *     not run again
     * @param base the path of the tree, such as {@code status}; "" for a whole object
     */
    public List<Cause> validate(JsonNode tree, @Nullable JsonNode old, String base) {
        if (root == null) {
            return List.of();
        }
        Run run = new Run();
        run.level(root, tree, old, base);
        return List.copyOf(run.causes);
    }

    /**
     * The cause to add to those of the schema when they keep rules from being run: values are missing, too big or of the
     * wrong type. Null when rules can run.
     */
    public @Nullable Cause blocked(List<Cause> causes) {
        if (root == null || causes.stream().noneMatch(cause -> BLOCKING.contains(cause.reason()))) {
            return null;
        }
        return Cause.invalid(
                "<nil>",
                (JsonNode) null,
                "some validation rules were not checked because the object was invalid; correct the existing errors to"
                        + " complete validation");
    }

    /** The rules of one schema, and of those below it that have any. */
    private static final class Level {
        private final Schema schema;
        private final Map<String, Level> properties = new TreeMap<>();
        private @Nullable Level items;
        private @Nullable Level additional;
        private final Map<ObjectNode, List<Outcome>> shared;
        private volatile @Nullable List<Outcome> outcomes;

        private Level(Schema schema, Map<ObjectNode, List<Outcome>> shared) {
            this.schema = schema;
            this.shared = shared;
        }

        static @Nullable Level of(@Nullable Schema schema, Map<ObjectNode, List<Outcome>> shared) {
            if (schema == null) {
                return null;
            }
            Level level = new Level(schema, shared);
            schema.properties().forEach((name, property) -> {
                boolean metadata = name.equals("metadata") && schema.resourceRoot();
                Level child = metadata ? null : of(property, shared);
                if (child != null) {
                    level.properties.put(name, child);
                }
            });
            level.items = of(schema.items(), shared);
            level.additional = of(schema.additionalProperties(), shared);
            boolean empty = schema.rules().isEmpty()
                    && level.properties.isEmpty()
                    && level.items == null
                    && level.additional == null;
            return empty ? null : level;
        }

        /** The compiled rules; equal schemas at several places share them, for compilers are dear. */
        List<Outcome> outcomes() {
            List<Outcome> known = outcomes;
            if (known == null) {
                known = shared.computeIfAbsent(schema.json(), _ -> Outcome.all(schema, CompiledRule.Scope.of(schema)));
                outcomes = known;
            }
            return known;
        }
    }

    /** One validation of one object. */
    private static final class Run {
        final List<Cause> causes = new ArrayList<>();
        private @Nullable Budget budget;
        private boolean exhausted;

        void level(Level level, JsonNode value, @Nullable JsonNode old, String path) {
            if (value.isNull() || exhausted) {
                return;
            }
            if (!level.schema.rules().isEmpty()) {
                rules(level, value, old, path);
            }
            if (value instanceof ObjectNode object) {
                fields(level, object, old, path);
            } else if (value instanceof ArrayNode array && level.items != null) {
                items(level, level.items, array, old, path);
            }
        }

        private void fields(Level level, ObjectNode object, @Nullable JsonNode old, String path) {
            for (String name : Values.sortedNames(object)) {
                Level property = level.properties.get(name);
                JsonNode value = object.get(name);
                JsonNode before = old == null ? null : old.get(name);
                if (property != null && value != null) {
                    level(property, value, before, path.isEmpty() ? name : path + "." + name);
                } else if (level.additional != null && value != null && level.schema.property(name) == null) {
                    level(level.additional, value, before, path + "[" + name + "]");
                }
            }
        }

        private void items(Level list, Level item, ArrayNode array, @Nullable JsonNode old, String path) {
            Map<List<String>, JsonNode> byKey = new HashMap<>();
            boolean keyed = list.schema.listType().equals("map");
            if (keyed && old != null) {
                old.forEach(before -> byKey.put(key(list.schema, before), before));
            }
            for (int i = 0; i < array.size(); i++) {
                JsonNode before = keyed ? byKey.get(key(list.schema, array.get(i))) : null;
                level(item, array.get(i), before, path + "[" + i + "]");
            }
        }

        private static List<String> key(Schema schema, JsonNode item) {
            return schema.listMapKeys().stream()
                    .map(name -> String.valueOf(item.get(name)))
                    .toList();
        }

        private void rules(Level level, JsonNode value, @Nullable JsonNode old, String path) {
            JsonNode before = old == null || old.isNull() ? null : old;
            boolean unchanged = before != null && Values.same(value, before);
            for (Outcome outcome : level.outcomes()) {
                CompiledRule rule = outcome.compiled();
                if (exhausted || unchanged || outcome.rule().rule().isBlank()) {
                    continue;
                }
                if (rule == null) {
                    // Not even a definition of an earlier version lets pass what nobody has checked.
                    String why = outcome.problem() == null
                            ? ""
                            : String.valueOf(outcome.problem().getMessage());
                    causes.add(Cause.invalid(
                            path.isEmpty() ? "<nil>" : path, level.schema.type(), "rule compile error: " + why));
                } else if (!rule.transition() || before != null) {
                    run(level, rule, value, before, path);
                }
            }
        }

        private void run(Level level, CompiledRule rule, JsonNode value, @Nullable JsonNode old, String path) {
            Budget available = budget;
            if (available == null) {
                available = rule.budget();
                budget = available;
            }
            String type = level.schema.type();
            String place = path.isEmpty() ? "<nil>" : path;
            try {
                if (!rule.holds(value, old, available)) {
                    causes.add(failed(rule, type, path, rule.failure(value, old, available)));
                }
            } catch (EvaluationException e) {
                switch (e.reason()) {
                    case ERROR ->
                        causes.add(Cause.invalid(place, type, e.getMessage() + " evaluating rule: " + rule.shown()));
                    case CALL_COST -> {
                        exhausted = true;
                        causes.add(Cause.invalid(
                                place,
                                type,
                                "'operation cancelled: actual cost limit exceeded': no further validation rules will be run"
                                        + " due to call cost exceeds limit for rule: " + rule.shown()));
                    }
                    case COST, TIME -> {
                        exhausted = true;
                        causes.add(Cause.invalid(
                                place,
                                type,
                                "validation failed due to running out of cost budget, no further validation rules will"
                                        + " be run"));
                    }
                }
            }
        }

        private static Cause failed(CompiledRule compiled, String type, String path, String text) {
            ValidationRule rule = compiled.rule();
            String relative = rule.fieldPath();
            String joined = path.isEmpty() && relative.startsWith(".") ? relative.substring(1) : path + relative;
            String field = joined.isEmpty() ? "<nil>" : joined;
            return switch (rule.reason()) {
                case "FieldValueForbidden" -> Cause.forbidden(field, text);
                case "FieldValueRequired" -> Cause.required(field, text);
                case "FieldValueDuplicate" ->
                    new Cause(field, "FieldValueDuplicate", "Duplicate value: " + Values.quote(type));
                default -> Cause.invalid(field, type, text);
            };
        }
    }
}
