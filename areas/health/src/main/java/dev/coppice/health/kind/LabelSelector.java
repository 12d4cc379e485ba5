package dev.coppice.health.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.Required;
import java.util.List;
import java.util.Map;

/** Chooses objects by their labels, as in Kubernetes; an empty selector chooses all. */
@Description("Chooses objects by their labels, as in Kubernetes. An empty selector chooses all.")
public record LabelSelector(
        @Description("Labels with the values that they must have.")
        Map<String, String> matchLabels,

        @Description("Further requirements; all must hold.") List<Requirement> matchExpressions) {

    public LabelSelector {
        matchLabels = Lists.copy(matchLabels);
        matchExpressions = Lists.copy(matchExpressions);
    }

    /** One requirement on one label. */
    @Description("One requirement on one label.")
    public record Requirement(
            @Required @Description("The label.") String key,

            @Required @Description("In, NotIn, Exists or DoesNotExist.")
            Operator operator,

            @Description("The values for In and NotIn.") List<String> values) {
        public Requirement {
            values = Lists.copy(values);
        }
    }

    /** How a label is compared. */
    public enum Operator {
        In,
        NotIn,
        Exists,
        DoesNotExist
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
                case In -> value != null && requirement.values().contains(value);
                case NotIn -> value == null || !requirement.values().contains(value);
                case Exists -> value != null;
                case DoesNotExist -> value == null;
            };
            if (!holds) {
                return false;
            }
        }
        return true;
    }
}
