package dev.coppice.kernel.stage;

import org.jspecify.annotations.Nullable;

/** A message under way. Its fields change only under the lock of the junction that it is in, or in the one worker that has it. */
final class Envelope {
    final Object value;
    final Claim claim;
    /** Whether the value is a list of messages, each with its own part of the claim. */
    final boolean batch;
    /** Workers that died over it. */
    final int deaths;

    long sinceNanos;

    @Nullable
    Lane lane;

    boolean settled;

    Envelope(Object value, Claim claim, boolean batch, int deaths) {
        this.value = value;
        this.claim = claim;
        this.batch = batch;
        this.deaths = deaths;
    }

    Envelope(Object value, Claim claim) {
        this(value, claim, false, 0);
    }
}
