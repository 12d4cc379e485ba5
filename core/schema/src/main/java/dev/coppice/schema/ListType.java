package dev.coppice.schema;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** How appliers merge a list (x-kubernetes-list-type): {@code atomic} or {@code set}; see {@link ListMap} for the third way. */
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface ListType {
    String value();
}
