package dev.coppice.acceptance.fault;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** One lease: granted once, renewed, then revoked or run out. */
final class LeaseModel implements Model<LeaseModel.State, LeaseModel.Request, Boolean> {

    enum State {
        NEW,
        ALIVE,
        GONE
    }

    enum Request {
        GRANT,
        /** Answered whether it was alive. */
        RENEW,
        /** Answered whether it was alive. */
        REVOKE,
        /** A key that is attached to it is looked for; answered whether it is there. */
        LOOK,
        /** Nobody asks for this: the store does it. */
        EXPIRE
    }

    @Override
    public State initial() {
        return State.NEW;
    }

    @Override
    public List<State> step(State state, Request request, @Nullable Boolean answer) {
        boolean alive = state == State.ALIVE;
        return switch (request) {
            case GRANT -> state == State.NEW ? List.of(State.ALIVE) : List.of();
            case RENEW, LOOK -> answer == null || answer == alive ? List.of(state) : List.of();
            case REVOKE -> answer == null || answer == alive ? List.of(alive ? State.GONE : state) : List.of();
            case EXPIRE -> alive ? List.of(State.GONE) : List.of();
        };
    }
}
