package dev.coppice.gateway.balance;

import org.jspecify.annotations.Nullable;

/** Draws endpoints at random, those of more weight more often. Immutable. */
final class Lottery implements LoadBalancer {
    private static final int TRIES = 8;

    private final int size;
    /** Null: all have the same weight. */
    private final @Nullable Schedule schedule;

    Lottery(Endpoints endpoints) {
        size = endpoints.size();
        schedule = endpoints.even() ? null : Schedule.of(endpoints);
    }

    @Override
    public int choose(Choice choice) {
        int drawn = draw(choice);
        return choice.excluded(drawn) ? wanted(choice, drawn) : drawn;
    }

    private int draw(Choice choice) {
        Schedule weighted = schedule;
        return weighted == null ? choice.random(size) : weighted.at(choice.random(weighted.length()));
    }

    /** Another one than {@code first}, where there is one; it may be excluded. */
    int other(Choice choice, int first) {
        if (size == 1) {
            return first;
        }
        if (schedule == null) {
            int drawn = choice.random(size - 1);
            return drawn < first ? drawn : drawn + 1;
        }
        for (int i = 0; i < TRIES; i++) {
            int drawn = draw(choice);
            if (drawn != first) {
                return drawn;
            }
        }
        return (first + 1) % size;
    }

    /** One that is not excluded, if there is any. */
    private int wanted(Choice choice, int first) {
        int drawn = first;
        for (int i = 0; i < TRIES; i++) {
            drawn = other(choice, drawn);
            if (!choice.excluded(drawn)) {
                return drawn;
            }
        }
        for (int i = 1; i < size; i++) {
            int next = (drawn + i) % size;
            if (!choice.excluded(next)) {
                return next;
            }
        }
        return first;
    }
}
