package dev.coppice.health.check;

import dev.coppice.control.Key;
import dev.coppice.kernel.Timers;
import java.time.Instant;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** The running side of one check: what the engine keeps between its runs. */
final class CheckEntry {
    final ReentrantLock lock = new ReentrantLock();
    final AtomicBoolean queued = new AtomicBoolean();
    final AtomicBoolean busy = new AtomicBoolean();
    final AtomicBoolean urged = new AtomicBoolean();
    final int number;
    volatile CheckPlan plan;
    volatile Machine machine;
    volatile @Nullable Attempt last;
    volatile @Nullable Instant lastAt;
    volatile @Nullable Instant lastBeat;
    final Instant known;
    volatile Instant registered;
    volatile long probedGeneration;
    volatile long startedNanos;
    volatile long endedNanos;
    volatile boolean everEnded;
    volatile long dueNanos;
    volatile int attempts;
    volatile boolean removed;
    volatile CompletableFuture<Boolean> run = CompletableFuture.completedFuture(true);
    volatile Set<Key> members = Set.of();
    private Timers.@Nullable Timer timer;

    CheckEntry(CheckPlan plan, Machine machine, int number, Instant now) {
        this.plan = plan;
        this.machine = machine;
        this.number = number;
        this.known = now;
        this.registered = now;
    }

    /** Replaces the pending timer. */
    synchronized void arm(Timers.@Nullable Timer next) {
        Timers.Timer old = timer;
        if (old != null) {
            old.cancel();
        }
        timer = next;
    }
}
