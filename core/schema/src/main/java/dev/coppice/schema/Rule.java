package dev.coppice.schema;

import java.lang.annotation.ElementType;
import java.lang.annotation.Repeatable;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * A CEL rule over {@code self} (x-kubernetes-validations). What it goes over, and lists above it, need a {@link Length}, or else
 * it could cost too much: API servers refuse such a kind.
 */
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.RECORD_COMPONENT, ElementType.TYPE})
@Repeatable(Rule.Rules.class)
public @interface Rule {
    String value();

    String message();

    /** Holds the repeated rules. */
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE})
    @interface Rules {
        Rule[] value();
    }
}
