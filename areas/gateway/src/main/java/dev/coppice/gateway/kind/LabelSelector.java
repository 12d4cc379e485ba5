package dev.coppice.gateway.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Required;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Chooses objects by their labels, as in Kubernetes; an empty selector chooses all. */
@Description("Chooses objects by their labels, as in Kubernetes. An empty selector chooses all.")
public record LabelSelector(
        @Description("Labels with the values that they must have.")
        Map<String, String> matchLabels,

        @ListType("atomic") @Description("Further requirements; all must hold.")
        List<Requirement> matchExpressions) {

    /** One requirement on one label. */
    @Description("One requirement on one label.")
    public record Requirement(
            @Required @Description("The label.") String key,

            @Required @Description("In, NotIn, Exists or DoesNotExist.")
            String operator,

            @ListType("atomic") @Description("The values for In and NotIn.")
            List<String> values) {}

    /** Why it chooses nothing; null when it is well-formed. */
    public @Nullable String problem() {
        for (Requirement requirement : matchExpressions) {
            boolean values = switch (requirement.operator()) {
                case "In", "NotIn" -> !requirement.values().isEmpty();
                case "Exists", "DoesNotExist" -> requirement.values().isEmpty();
                default -> false;
            };
            if (!values) {
                return "the requirement on the label " + requirement.key() + " has the operator "
                        + requirement.operator() + "; write In or NotIn with values, or Exists or DoesNotExist without";
            }
        }
        return null;
    }

    /** Whether an object with these labels is chosen. */
    public boolean matches(Map<String, String> labels) {
        for (var wanted : matchLabels.entrySet()) {
            if (!wanted.getValue().equals(labels.get(wanted.getKey()))) {
                return false;
            }
        }
        for (Requirement requirement : matchExpressions) {
            String value = labels.get(requirement.key());
            boolean holds = switch (requirement.operator()) {
                case "In" -> value != null && requirement.values().contains(value);
                case "NotIn" ->
                    !requirement.values().isEmpty()
                            && (value == null || !requirement.values().contains(value));
                case "Exists" -> value != null;
                case "DoesNotExist" -> value == null;
                default -> false;
            };
            if (!holds) {
                return false;
            }
        }
        return true;
    }
}
