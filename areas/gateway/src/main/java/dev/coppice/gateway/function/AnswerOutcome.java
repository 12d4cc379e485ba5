package dev.coppice.gateway.function;

import dev.coppice.gateway.filter.HeaderChanges;
import org.jspecify.annotations.Nullable;

/**
 * What a function makes of an answer.
 *
 * @param status in place of the answer's, or the same
 * @param body in place of the answer's; null: that stays
 */
public record AnswerOutcome(int status, HeaderChanges headers, byte @Nullable [] body) {}
