package dev.coppice.health.check;

import java.time.Duration;
import java.time.Instant;

/** Something about a check changed. */
public sealed interface Transition {

    /** It went from one state to another. */
    record StateChanged(State from, State to, Instant at, Duration after) implements Transition {}

    /** It began to go up and down all the time. */
    record FlappingStarted(Instant at, int changes) implements Transition {}

    /** It settled. */
    record FlappingStopped(Instant at) implements Transition {}
}
