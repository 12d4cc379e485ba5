package dev.coppice.control.request;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Cause;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** The rules for names, labels and the rest of ObjectMeta (apimachinery: util/validation, api/validation). */
public final class Names {
    private static final String SUBDOMAIN_HINT =
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
                    + "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
                    + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    private static final String LABEL_HINT =
            "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end "
                    + "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
                    + "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
    private static final String LABEL_1035_HINT =
            "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
                    + "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for "
                    + "validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
    private static final String QUALIFIED_HINT =
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
                    + "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
                    + "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
    private static final String VALUE_HINT =
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
                    + "and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
                    + "for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    private static final String CONFIG_KEY_HINT =
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',"
                    + "  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
    private static final Pattern SUBDOMAIN =
            Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*");
    private static final Pattern LABEL = Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?");
    private static final Pattern LABEL_1035 = Pattern.compile("[a-z]([-a-z0-9]*[a-z0-9])?");
    private static final Pattern QUALIFIED = Pattern.compile("([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]");
    private static final Pattern CONFIG_KEY = Pattern.compile("[-._a-zA-Z0-9]+");
    private static final int MAX_ANNOTATIONS_BYTES = 256 * 1024;

    private Names() {}

    /** The sort of name that a kind's objects have. */
    public enum Rule {
        SUBDOMAIN,
        LABEL,
        LABEL_1035,
        PATH_SEGMENT;

        /** What is wrong with the name; empty when nothing is. */
        public List<String> check(String name, boolean prefix) {
            return switch (this) {
                case SUBDOMAIN -> Names.subdomain(masked(name, prefix));
                case LABEL -> Names.label(masked(name, prefix));
                case LABEL_1035 -> Names.label1035(masked(name, prefix));
                case PATH_SEGMENT -> Names.pathSegment(name, prefix);
            };
        }

        private static String masked(String name, boolean prefix) {
            return prefix && name.length() > 1 && name.endsWith("-")
                    ? name.substring(0, name.length() - 2) + "a"
                    : name;
        }
    }

    public static List<String> subdomain(String value) {
        List<String> wrong = new ArrayList<>();
        if (value.length() > 253) {
            wrong.add("must be no more than 253 characters");
        }
        if (value.length() > 4096 || !SUBDOMAIN.matcher(value).matches()) {
            wrong.add(SUBDOMAIN_HINT);
        }
        return wrong;
    }

    public static List<String> label(String value) {
        List<String> wrong = new ArrayList<>();
        if (value.length() > 63) {
            wrong.add("must be no more than 63 characters");
        }
        if (!LABEL.matcher(value).matches()) {
            wrong.add(LABEL_HINT);
        }
        return wrong;
    }

    public static List<String> label1035(String value) {
        List<String> wrong = new ArrayList<>();
        if (value.length() > 63) {
            wrong.add("must be no more than 63 characters");
        }
        if (!LABEL_1035.matcher(value).matches()) {
            wrong.add(LABEL_1035_HINT);
        }
        return wrong;
    }

    static List<String> pathSegment(String value, boolean prefix) {
        List<String> wrong = new ArrayList<>();
        if (!prefix && (value.equals(".") || value.equals(".."))) {
            wrong.add("may not be '" + value + "'");
        }
        if (value.contains("/")) {
            wrong.add("may not contain '/'");
        }
        if (value.contains("%")) {
            wrong.add("may not contain '%'");
        }
        return wrong;
    }

    public static List<String> configKey(String value) {
        List<String> wrong = new ArrayList<>();
        if (value.length() > 253) {
            wrong.add("must be no more than 253 characters");
        }
        if (!CONFIG_KEY.matcher(value).matches()) {
            wrong.add(CONFIG_KEY_HINT);
        }
        if (value.equals(".")) {
            wrong.add("must not be '.'");
        } else if (value.equals("..")) {
            wrong.add("must not be '..'");
        } else if (value.startsWith("..")) {
            wrong.add("must not start with '..'");
        }
        return wrong;
    }

    public static List<String> qualifiedName(String value) {
        List<String> wrong = new ArrayList<>();
        String[] parts = value.split("/", -1);
        String name = parts[parts.length - 1];
        if (parts.length == 2) {
            if (parts[0].isEmpty()) {
                wrong.add("prefix part must be non-empty");
            } else {
                subdomain(parts[0]).forEach(w -> wrong.add("prefix part " + w));
            }
        } else if (parts.length > 2) {
            wrong.add(
                    "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
                            + "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
                            + "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix "
                            + "and '/' (e.g. 'example.com/MyName')");
            return wrong;
        }
        if (name.isEmpty()) {
            wrong.add("name part must be non-empty");
        } else if (name.length() > 63) {
            wrong.add("name part must be no more than 63 characters");
        }
        if (!QUALIFIED.matcher(name).matches()) {
            wrong.add(QUALIFIED_HINT);
        }
        return wrong;
    }

    public static List<String> labelValue(String value) {
        List<String> wrong = new ArrayList<>();
        if (value.length() > 63) {
            wrong.add("must be no more than 63 characters");
        }
        if (!value.isEmpty() && !QUALIFIED.matcher(value).matches()) {
            wrong.add(VALUE_HINT);
        }
        return wrong;
    }

    /**
     * Checks the metadata of an object that is about to be stored.
     *
     * @param coreKind whether it is of one of Kubernetes' own kinds, whose finalizers have a domain or are known
     */
    public static List<Cause> metadata(ObjectNode object, Rule rule, boolean coreKind) {
        JsonNode meta = object.path("metadata");
        List<Cause> causes = new ArrayList<>();
        String generate = meta.path("generateName").asText("");
        if (!generate.isEmpty()) {
            rule.check(generate, true).forEach(w -> causes.add(Cause.invalid("metadata.generateName", generate, w)));
        }
        String name = meta.path("name").asText("");
        if (name.isEmpty()) {
            causes.add(Cause.required("metadata.name", "name or generateName is required"));
        } else {
            rule.check(name, false).forEach(w -> causes.add(Cause.invalid("metadata.name", name, w)));
        }
        labels(meta, causes);
        annotations(meta, causes);
        owners(meta, causes);
        int index = 0;
        for (JsonNode f : meta.path("finalizers")) {
            String value = f.asText();
            qualifiedName(value).forEach(w -> causes.add(Cause.invalid("metadata.finalizers", value, w)));
            if (coreKind && qualifiedName(value).isEmpty() && !finalizerIsPlaced(value)) {
                causes.add(Cause.invalid(
                        "metadata.finalizers[" + index + "]",
                        value,
                        "name is neither a standard finalizer name nor is it fully qualified"));
            }
            index++;
        }
        return causes;
    }

    private static final List<String> STANDARD_FINALIZERS = List.of("kubernetes", "orphan", "foregroundDeletion");

    private static void labels(JsonNode meta, List<Cause> causes) {
        for (var e : meta.path("labels").properties()) {
            qualifiedName(e.getKey()).forEach(w -> causes.add(Cause.invalid("metadata.labels", e.getKey(), w)));
            String value = e.getValue().asText();
            labelValue(value).forEach(w -> causes.add(Cause.invalid("metadata.labels", value, w)));
        }
    }

    private static void annotations(JsonNode meta, List<Cause> causes) {
        long size = 0;
        for (var e : meta.path("annotations").properties()) {
            qualifiedName(e.getKey().toLowerCase(java.util.Locale.ROOT))
                    .forEach(w -> causes.add(Cause.invalid("metadata.annotations", e.getKey(), w)));
            size += e.getKey().length() + e.getValue().asText().length();
        }
        if (size > MAX_ANNOTATIONS_BYTES) {
            causes.add(Cause.tooLong("metadata.annotations", MAX_ANNOTATIONS_BYTES));
        }
    }

    private static void owners(JsonNode meta, List<Cause> causes) {
        int index = 0;
        int controllers = 0;
        for (JsonNode owner : meta.path("ownerReferences")) {
            String at = "metadata.ownerReferences";
            if (owner.path("apiVersion").asText("").isEmpty()) {
                causes.add(Cause.invalid(at + ".apiVersion", "", "version must not be empty"));
            }
            if (owner.path("kind").asText("").isEmpty()) {
                causes.add(Cause.invalid(at + ".kind", "", "must not be empty"));
            }
            if (owner.path("name").asText("").isEmpty()) {
                causes.add(Cause.invalid(at + ".name", "", "must not be empty"));
            }
            if (owner.path("uid").asText("").isEmpty()) {
                causes.add(Cause.invalid(at + ".uid", "", "must not be empty"));
            }
            if (owner.path("controller").asBoolean(false)) {
                controllers++;
            }
            index++;
        }
        if (controllers > 1) {
            causes.add(Cause.invalidShown(
                    "metadata.ownerReferences",
                    index + " references",
                    "Only one reference can have Controller set to true. Found " + controllers));
        }
    }

    /** Whether a finalizer is one of Kubernetes' own, or has the domain and path that those of others should have. */
    public static boolean finalizerIsPlaced(String name) {
        return name.contains("/") || STANDARD_FINALIZERS.contains(name);
    }
}
