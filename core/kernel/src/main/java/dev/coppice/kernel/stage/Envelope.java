package dev.coppice.kernel.stage;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A message under way, with the produced messages that it came of. */
record Envelope(Object value, List<Ticket> tickets, int attempt, long sinceNanos) {
    void fork() {
        tickets.forEach(Ticket::fork);
    }

    void settle(@Nullable Throwable failure) {
        tickets.forEach(ticket -> ticket.settle(failure));
    }
}
