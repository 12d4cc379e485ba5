package dev.coppice.gateway.kind;

import dev.coppice.schema.Description;

/** The status of a kind that has none. */
@Description("Nothing.")
public record NoStatus() {}
