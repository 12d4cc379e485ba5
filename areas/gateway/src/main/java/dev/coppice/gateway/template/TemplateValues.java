package dev.coppice.gateway.template;

import org.jspecify.annotations.Nullable;

/** What templates may ask a request or an answer for. For one thread. */
@FunctionalInterface
public interface TemplateValues {
    /**
     * The value for a place.
     *
     * @param name of the header, cookie, parameter, claim or segment; empty for others
     * @return null when there is none
     */
    @Nullable
    String value(TemplateField field, String name);
}
