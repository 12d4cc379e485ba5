package dev.coppice.schema;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** The only values allowed of a string or number; kept as text where more of them may come and must not stop a reader. */
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.RECORD_COMPONENT, ElementType.TYPE, ElementType.TYPE_USE})
public @interface Enumeration {
    String[] value();
}
