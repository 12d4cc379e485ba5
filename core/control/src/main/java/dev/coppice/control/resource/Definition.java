package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ComputedSource;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.request.Names;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.storage.ResourceCache;
import dev.coppice.schema.Schema;
import dev.coppice.schema.rule.RuleSet;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** A type in one of its versions, as the API serves it. Immutable but for what it loads lazily; safe for many threads. */
public final class Definition {
    public static final List<String> ALL_VERBS =
            List.of("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch");
    /** The order in which Kubernetes lists the verbs of custom resources. */
    public static final List<String> CUSTOM_VERBS =
            List.of("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch");

    private final Builder b;
    private final Supplier<ResourceCache> cache;
    /** Whose schema and rules are used, so that they are compiled once; null: its own. */
    private final @Nullable Definition origin;

    private volatile @Nullable Schema loaded;
    private volatile @Nullable RuleSet rules;

    private Definition(Builder b, Supplier<ResourceCache> cache, @Nullable Definition origin) {
        this.b = b;
        this.cache = cache;
        this.origin = origin;
    }

    /** The same type with its objects in another cache. */
    public Definition over(Supplier<ResourceCache> other) {
        return new Definition(b, other, this);
    }

    public static Builder of(String group, String version, String plural, String kind) {
        return new Builder(group, version, plural, kind);
    }

    public String group() {
        return b.group;
    }

    public String version() {
        return b.version;
    }

    public String plural() {
        return b.plural;
    }

    public String singular() {
        return b.singular;
    }

    public String kind() {
        return b.kind;
    }

    public String listKind() {
        return b.listKind;
    }

    public String apiVersion() {
        return b.group.isEmpty() ? b.version : b.group + "/" + b.version;
    }

    public ResourceType type() {
        return new ResourceType(b.group, b.version, b.plural);
    }

    /** {@code plural} or {@code plural.group}, as messages name it. */
    public String qualified() {
        return Statuses.qualified(b.group, b.plural);
    }

    public boolean namespaced() {
        return b.namespaced;
    }

    public List<String> shortNames() {
        return b.shortNames;
    }

    public List<String> categories() {
        return b.categories;
    }

    public List<String> verbs() {
        return b.verbs;
    }

    public List<Subresource> subresources() {
        return b.subresources;
    }

    public @Nullable Subresource subresource(String name) {
        for (Subresource s : b.subresources) {
            if (s.name().equals(name)) {
                return s;
            }
        }
        return null;
    }

    public boolean statusApart() {
        return subresource("status") != null;
    }

    public Names.Rule nameRule() {
        return b.nameRule;
    }

    public String storagePrefix() {
        return b.storagePrefix;
    }

    public String storageKey(String namespace, String name) {
        return b.namespaced ? b.storagePrefix + namespace + "/" + name : b.storagePrefix + name;
    }

    /** Its values are encrypted at rest. */
    public boolean sealed() {
        return b.sealed;
    }

    /** How long objects live after their last change; null for ever. */
    public @Nullable Duration timeToLive() {
        return b.timeToLive;
    }

    /** Made by a CustomResourceDefinition. */
    public boolean custom() {
        return b.custom;
    }

    /** Where its objects come from when they are made on demand; null for all other types. */
    public @Nullable ComputedSource computed() {
        return b.computed;
    }

    /** Has objects in the store (reviews have none). */
    public boolean stored() {
        return !b.storagePrefix.isEmpty();
    }

    public Strategy strategy() {
        return b.strategy;
    }

    public Columns columns() {
        return b.columns;
    }

    /** Fields that selectors may name, besides metadata.name and metadata.namespace. */
    public Set<String> selectableFields() {
        return b.selectableFields;
    }

    public Schema schema() {
        if (origin != null) {
            return origin.schema();
        }
        Schema known = loaded;
        if (known == null) {
            known = b.schema.get();
            loaded = known;
        }
        return known;
    }

    /** The CEL rules of the schema. */
    public RuleSet rules() {
        if (origin != null) {
            return origin.rules();
        }
        RuleSet known = rules;
        if (known == null) {
            known = RuleSet.of(schema());
            rules = known;
        }
        return known;
    }

    /** Turns the stored version into this one, in place or not. */
    public UnaryOperator<ObjectNode> fromStored() {
        return tree -> b.fromStored.apply(List.of(tree)).getFirst();
    }

    /** The same for many, which may be much cheaper than one after the other. */
    public List<ObjectNode> fromStored(List<ObjectNode> trees) {
        return trees.isEmpty() ? trees : b.fromStored.apply(trees);
    }

    /** Turns this version into the stored one, in place or not. */
    public UnaryOperator<ObjectNode> toStored() {
        return b.toStored;
    }

    /** Whether the cache's bytes are served as they are. */
    public boolean storedVersion() {
        return b.storedVersion;
    }

    /** Paths of the scale sub-resource; null without one. */
    public @Nullable ScalePaths scale() {
        return b.scale;
    }

    /** A warning to give with each request; empty for none. */
    public String deprecation() {
        return b.deprecation;
    }

    public ResourceCache cache() {
        return cache.get();
    }

    /** Where the numbers of the scale sub-resource stand, without the leading dot. */
    public record ScalePaths(String spec, String status, String selector) {}

    @Override
    public String toString() {
        return apiVersion() + " " + b.plural;
    }

    /** Collects what a definition says. */
    public static final class Builder {
        private final String group;
        private final String version;
        private final String plural;
        private final String kind;
        private String singular;
        private String listKind;
        private boolean namespaced = true;
        private List<String> shortNames = List.of();
        private List<String> categories = List.of();
        private List<String> verbs = ALL_VERBS;
        private List<Subresource> subresources = List.of();
        private Names.Rule nameRule = Names.Rule.SUBDOMAIN;
        private String storagePrefix = "";
        private boolean sealed;
        private @Nullable Duration timeToLive;
        private boolean custom;
        private @Nullable ComputedSource computed;
        private Strategy strategy = Strategy.PLAIN;
        private Columns columns = Columns.NAME_AND_AGE;
        private Set<String> selectableFields = Set.of();
        private Supplier<Schema> schema = Schema::any;
        private UnaryOperator<List<ObjectNode>> fromStored = UnaryOperator.identity();
        private UnaryOperator<ObjectNode> toStored = UnaryOperator.identity();
        private boolean storedVersion = true;
        private @Nullable ScalePaths scale;
        private String deprecation = "";
        private Supplier<ResourceCache> cache = () -> {
            throw new IllegalStateException("a type without objects");
        };

        private Builder(String group, String version, String plural, String kind) {
            this.group = group;
            this.version = version;
            this.plural = plural;
            this.kind = kind;
            this.singular = kind.toLowerCase(java.util.Locale.ROOT);
            this.listKind = kind + "List";
        }

        public Builder names(String singular, String listKind) {
            this.singular = singular;
            this.listKind = listKind;
            return this;
        }

        public Builder clusterScoped() {
            this.namespaced = false;
            return this;
        }

        public Builder shortNames(List<String> names) {
            this.shortNames = List.copyOf(names);
            return this;
        }

        public Builder categories(List<String> categories) {
            this.categories = List.copyOf(categories);
            return this;
        }

        public Builder verbs(List<String> verbs) {
            this.verbs = List.copyOf(verbs);
            return this;
        }

        public Builder subresources(List<Subresource> subresources) {
            this.subresources = List.copyOf(subresources);
            return this;
        }

        public Builder nameRule(Names.Rule rule) {
            this.nameRule = rule;
            return this;
        }

        public Builder stored(String prefix) {
            this.storagePrefix = prefix;
            return this;
        }

        public Builder sealed() {
            this.sealed = true;
            return this;
        }

        public Builder timeToLive(Duration ttl) {
            this.timeToLive = ttl;
            return this;
        }

        public Builder custom() {
            this.custom = true;
            return this;
        }

        public Builder computed(ComputedSource source) {
            this.computed = source;
            return this;
        }

        public Builder strategy(Strategy strategy) {
            this.strategy = strategy;
            return this;
        }

        public Builder columns(Columns columns) {
            this.columns = columns;
            return this;
        }

        public Builder selectable(String... fields) {
            this.selectableFields = Set.of(fields);
            return this;
        }

        public Builder schema(Supplier<Schema> schema) {
            this.schema = schema;
            return this;
        }

        public Builder converted(
                boolean storedVersion, UnaryOperator<List<ObjectNode>> fromStored, UnaryOperator<ObjectNode> toStored) {
            this.storedVersion = storedVersion;
            this.fromStored = fromStored;
            this.toStored = toStored;
            return this;
        }

        public Builder scale(@Nullable ScalePaths scale) {
            this.scale = scale;
            return this;
        }

        public Builder deprecation(String warning) {
            this.deprecation = warning;
            return this;
        }

        public Builder cache(Supplier<ResourceCache> cache) {
            this.cache = cache;
            return this;
        }

        public Definition build() {
            return new Definition(this, cache, null);
        }
    }
}
