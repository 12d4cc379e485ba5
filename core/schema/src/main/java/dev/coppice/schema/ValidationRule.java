package dev.coppice.schema;

import org.jspecify.annotations.Nullable;

/**
 * A CEL rule of a schema (an entry of x-kubernetes-validations). Immutable.
 *
 * @param rule the expression over {@code self} and, for transitions, {@code oldSelf}
 * @param message what to tell when it fails; "" for a default text
 * @param messageExpression an expression that makes the message; "" for none
 * @param reason such as FieldValueInvalid; "" for that default
 * @param fieldPath where to report, relative to the rule's place; "" for the place itself
 * @param optionalOldSelf whether {@code oldSelf} is an optional and the rule runs on creation too; null where not given
 */
public record ValidationRule(
        String rule,
        String message,
        String messageExpression,
        String reason,
        String fieldPath,
        @Nullable Boolean optionalOldSelf) {}
