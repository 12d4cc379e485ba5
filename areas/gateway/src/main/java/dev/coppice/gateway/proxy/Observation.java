package dev.coppice.gateway.proxy;

import java.util.List;

/** What is told of the requests of a rule, or of those of a listener that no rule wanted. Immutable. */
record Observation(List<AccessLog> logs) {}
