package dev.coppice.control.engine;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** An object as a verb left it, and whether the verb made it. */
public record Outcome(ObjectNode object, boolean created) {}
