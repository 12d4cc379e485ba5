package dev.coppice.schema.apply;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.NullNode;
import dev.coppice.schema.Schema;
import dev.coppice.schema.apply.ManagedFields.Manager;
import dev.coppice.schema.apply.ManagedFields.Owned;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The core of structured-merge-diff's merge package: updates owners after a change, merges applied trees, finds conflicts,
 * and prunes what an applier stopped applying. Versions share one tree, and differ in schema only.
 */
final class Updater {
    private final String version;
    private final Function<String, @Nullable Schema> versions;
    private final Schema schema;
    private final FieldSet ignored;

    /** An apply that collided: the fields by manager. */
    static final class Conflict extends RuntimeException {
        private static final long serialVersionUID = 1L;
        private final transient TreeMap<Manager, FieldSet> fields;

        Conflict(TreeMap<Manager, FieldSet> fields) {
            super("conflict", null, false, false);
            this.fields = fields;
        }

        TreeMap<Manager, FieldSet> fields() {
            return fields;
        }
    }

    Updater(String version, Schema schema, Function<String, @Nullable Schema> versions, FieldSet ignored) {
        this.version = version;
        this.schema = schema;
        this.versions = versions;
        this.ignored = ignored;
    }

    /** Gives what changed to the manager, and takes it from all others. */
    void update(JsonNode live, JsonNode updated, ManagedFields managed, Manager self) {
        Comparison change = reassign(live, updated, managed, self, true);
        TreeMap<Manager, Owned> owners = managed.owners();
        Owned own = owners.get(self);
        FieldSet before = own == null ? FieldSet.empty() : own.set();
        FieldSet now = before.difference(change.removed())
                .union(change.modified())
                .union(change.added())
                .recursiveDifference(ignored);
        if (now.isEmpty()) {
            owners.remove(self);
        } else {
            owners.put(self, new Owned(now, version, own == null ? null : own.time()));
        }
    }

    /**
     * Merges the configuration of an applier.
     *
     * @throws Conflict where others own what would change, unless forced
     */
    JsonNode apply(JsonNode live, JsonNode config, ManagedFields managed, Manager applier, boolean force) {
        JsonNode merged = Merging.merge(schema, live, config);
        if (merged == null) {
            merged = live;
        }
        TreeMap<Manager, Owned> owners = managed.owners();
        Owned last = owners.get(applier);
        FieldSet set = Trees.fields(schema, config).recursiveDifference(ignored);
        owners.put(applier, new Owned(set, version, last == null ? null : last.time()));
        JsonNode result = last == null || last.set().isEmpty() ? merged : prune(merged, managed, last);
        result = result.isNull() ? result : Trees.withoutLeftNulls(result, merged);
        reassign(live, result, managed, applier, force);
        return result;
    }

    private @Nullable Schema schema(String at) {
        return at.equals(version) ? schema : versions.apply(at);
    }

    private Comparison reassign(JsonNode before, JsonNode after, ManagedFields managed, Manager self, boolean force) {
        Map<String, Comparison> comparisons = new HashMap<>();
        Comparison own = Comparison.of(schema, before, after).without(ignored);
        comparisons.put(version, own);
        TreeMap<Manager, Owned> owners = managed.owners();
        owners.entrySet()
                .removeIf(e -> !e.getKey().equals(self) && schema(e.getValue().version()) == null);
        TreeMap<Manager, FieldSet> conflicts = new TreeMap<>();
        TreeMap<Manager, FieldSet> rest = new TreeMap<>();
        owners.forEach((manager, owned) -> {
            if (manager.equals(self)) {
                return;
            }
            Comparison change = comparisons.computeIfAbsent(owned.version(), at -> {
                Schema other = schema(at);
                return Comparison.of(other == null ? schema : other, before, after)
                        .without(ignored);
            });
            FieldSet conflict = owned.set().intersection(change.modified().union(change.added()));
            if (!conflict.isEmpty()) {
                conflicts.put(manager, conflict);
            }
            rest.put(manager, owned.set().difference(conflict).difference(change.removed()));
        });
        if (!force && !conflicts.isEmpty()) {
            throw new Conflict(conflicts);
        }
        rest.forEach((manager, set) -> owners.computeIfPresent(manager, (_, owned) -> owned.with(set)));
        owners.values().removeIf(owned -> owned.set().isEmpty());
        return own;
    }

    /** Removes what the applier applied last time, but not now, where nobody else owns it. */
    private JsonNode prune(JsonNode merged, ManagedFields managed, Owned last) {
        Schema at = schema(last.version());
        if (at == null) {
            return merged;
        }
        FieldSet lastSet = last.set().withNamedFields(at);
        JsonNode pruned = Trees.without(at, merged, lastSet);
        pruned = addBackOwned(merged, pruned, managed);
        FieldSet prunedSet = fields(at, pruned);
        FieldSet mergedSet = fields(at, merged);
        return Trees.without(at, merged, mergedSet.difference(prunedSet).intersection(lastSet));
    }

    private JsonNode addBackOwned(JsonNode merged, JsonNode pruned, ManagedFields managed) {
        TreeMap<String, FieldSet> byVersion = new TreeMap<>();
        managed.owners().forEach((_, owned) -> byVersion.merge(owned.version(), owned.set(), FieldSet::union));
        JsonNode result = pruned;
        for (Map.Entry<String, FieldSet> entry : byVersion.entrySet()) {
            Schema at = schema(entry.getKey());
            if (at != null) {
                FieldSet keep = fields(at, result).union(entry.getValue().withNamedFields(at));
                result = Trees.without(at, merged, fields(at, merged).difference(keep));
            }
        }
        return result;
    }

    private static FieldSet fields(Schema schema, JsonNode tree) {
        JsonNode present = tree.isNull() ? NullNode.getInstance() : tree;
        return Trees.fields(schema, present).withNamedFields(schema);
    }
}
