package dev.coppice.gateway.balance;

import org.jspecify.annotations.Nullable;

/** Each in its turn, those of more weight more often. */
final class RoundRobin implements LoadBalancer {
    private final int length;
    /** Null: all have the same weight. */
    private final @Nullable Schedule schedule;

    RoundRobin(Endpoints endpoints) {
        schedule = endpoints.even() ? null : Schedule.of(endpoints);
        length = schedule == null ? endpoints.size() : schedule.length();
    }

    /** How many take turns, one after the other; 0: some more often than others. */
    int plainTurns() {
        return schedule == null ? length : 0;
    }

    @Override
    public int choose(Choice choice) {
        int turn = choice.turn() % length;
        int first = at(turn);
        return choice.excluded(first) ? next(choice, turn, first) : first;
    }

    private int at(int turn) {
        return schedule == null ? turn : schedule.at(turn);
    }

    private int next(Choice choice, int turn, int first) {
        for (int i = 1; i < length; i++) {
            int other = at((turn + i) % length);
            if (!choice.excluded(other)) {
                return other;
            }
        }
        return first;
    }
}
