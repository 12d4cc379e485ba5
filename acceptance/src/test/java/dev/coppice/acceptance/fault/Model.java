package dev.coppice.acceptance.fault;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a correct object does, one operation after the other. States are immutable values with {@code equals}.
 *
 * @param <S> state
 * @param <I> what is asked
 * @param <O> what is answered
 */
interface Model<S, I, O> {

    S initial();

    /**
     * The states that may follow when the operation takes effect in a state; empty when the answer is wrong there.
     *
     * @param output null when the answer is unknown: then the states that follow when the operation takes effect
     */
    List<S> step(S state, I input, @Nullable O output);
}
