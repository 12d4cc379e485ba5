package dev.coppice.coordination.kind;

import dev.coppice.schema.Description;

/** What is led. */
@Description("What is led. It is decided by the candidates, and cannot be changed here.")
public record ElectionSpec(
        @Description("The name of the election, as its candidates know it.")
        String name) {}
