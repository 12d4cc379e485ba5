package dev.coppice.control;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A kind made of Java records: its schema, CustomResourceDefinition and documentation come from them. Component names are
 * field names; the annotations in {@code dev.coppice.schema} add descriptions, bounds, defaults and rules.
 * Immutable; the with-methods copy.
 *
 * @param annotations of its CustomResourceDefinition
 * @param labels of its CustomResourceDefinition
 * @param <S> the record of its spec
 * @param <T> the record of its status
 */
public record Kind<S extends Record, T extends Record>(
        String group,
        String version,
        String kind,
        String plural,
        boolean namespaced,
        Class<S> spec,
        Class<T> status,
        String description,
        List<String> shortNames,
        List<String> categories,
        List<Column> columns,
        Map<String, String> annotations,
        Map<String, String> labels) {

    /** Without annotations and labels of its definition. */
    public Kind(
            String group,
            String version,
            String kind,
            String plural,
            boolean namespaced,
            Class<S> spec,
            Class<T> status,
            String description,
            List<String> shortNames,
            List<String> categories,
            List<Column> columns) {
        this(
                group,
                version,
                kind,
                plural,
                namespaced,
                spec,
                status,
                description,
                shortNames,
                categories,
                columns,
                Map.of(),
                Map.of());
    }

    /**
     * A column of {@code kubectl get}.
     *
     * @param type string, integer, number, boolean or date
     * @param jsonPath such as {@code .status.phase}
     * @param wide shown with {@code -o wide} only
     */
    public record Column(String name, String type, String jsonPath, String description, boolean wide) {}

    public static <S extends Record, T extends Record> Kind<S, T> namespaced(
            String group, String version, String kind, Class<S> spec, Class<T> status, String description) {
        return of(group, version, kind, true, spec, status, description);
    }

    public static <S extends Record, T extends Record> Kind<S, T> cluster(
            String group, String version, String kind, Class<S> spec, Class<T> status, String description) {
        return of(group, version, kind, false, spec, status, description);
    }

    private static <S extends Record, T extends Record> Kind<S, T> of(
            String group,
            String version,
            String kind,
            boolean namespaced,
            Class<S> spec,
            Class<T> status,
            String description) {
        return new Kind<>(
                group,
                version,
                kind,
                plural(kind.toLowerCase(Locale.ROOT)),
                namespaced,
                spec,
                status,
                description,
                List.of(),
                List.of("coppice"),
                List.of());
    }

    /** As English has it: policies, gateways, classes, routes. */
    private static String plural(String word) {
        int last = word.length() - 1;
        if (word.endsWith("y") && last > 0 && "aeiou".indexOf(word.charAt(last - 1)) < 0) {
            return word.substring(0, last) + "ies";
        }
        return word + (word.endsWith("s") ? "es" : "s");
    }

    public Kind<S, T> withShortNames(String... names) {
        return new Kind<>(
                group,
                version,
                kind,
                plural,
                namespaced,
                spec,
                status,
                description,
                List.of(names),
                categories,
                columns,
                annotations,
                labels);
    }

    /** The groups of kinds that {@code kubectl get CATEGORY} shows it with. */
    public Kind<S, T> withCategories(String... names) {
        return new Kind<>(
                group,
                version,
                kind,
                plural,
                namespaced,
                spec,
                status,
                description,
                shortNames,
                List.of(names),
                columns,
                annotations,
                labels);
    }

    /** An annotation of its CustomResourceDefinition, such as the approval that groups of Kubernetes' own need. */
    public Kind<S, T> withAnnotation(String name, String value) {
        return with(and(annotations, name, value), labels);
    }

    /** A label of its CustomResourceDefinition, such as the one by which tools find policies. */
    public Kind<S, T> withLabel(String name, String value) {
        return with(annotations, and(labels, name, value));
    }

    private static Map<String, String> and(Map<String, String> some, String name, String value) {
        Map<String, String> all = new LinkedHashMap<>(some);
        all.put(name, value);
        return Collections.unmodifiableMap(all);
    }

    private Kind<S, T> with(Map<String, String> annotations, Map<String, String> labels) {
        return new Kind<>(
                group,
                version,
                kind,
                plural,
                namespaced,
                spec,
                status,
                description,
                shortNames,
                categories,
                columns,
                annotations,
                labels);
    }

    public Kind<S, T> withColumn(String name, String type, String jsonPath, String description) {
        return withColumn(new Column(name, type, jsonPath, description, false));
    }

    public Kind<S, T> withColumn(Column column) {
        List<Column> all = new ArrayList<>(columns);
        all.add(column);
        return new Kind<>(
                group,
                version,
                kind,
                plural,
                namespaced,
                spec,
                status,
                description,
                shortNames,
                categories,
                List.copyOf(all),
                annotations,
                labels);
    }

    public ResourceClient.ResourceType type() {
        return new ResourceClient.ResourceType(group, version, plural);
    }
}
