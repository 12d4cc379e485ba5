package dev.coppice.gateway.function;

import dev.coppice.gateway.filter.HeaderChanges;
import dev.coppice.gateway.function.FunctionException.Reason;
import dev.coppice.kernel.Clock;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * A function: a module with its configuration and bounds, and its instances. An instance handles one request after the other, from the request until its answer;
 * one that fails in any way is thrown away. Safe for use by many threads; what computes says so, and is to be called where computing holds up nobody.
 */
public final class EdgeFunction implements AutoCloseable {
    private static final long IDLE_NANOS = TimeUnit.MINUTES.toNanos(1);
    private static final int UPPER = 32;
    private static final String USED_UP = "the memory of all functions is used up";

    /**
     * What functions share.
     *
     * @param random for guests, of the sort that cannot be guessed
     */
    public record Surroundings(Clock clock, Random random, GuestMemory memory) {}

    private final SharedModule module;
    private final FunctionSettings settings;
    private final Surroundings surroundings;
    private final FunctionLog log;
    /** The one used last is the first. */
    private final Deque<Guest> idle = new ArrayDeque<>();

    private int instances;
    private boolean closed;
    /** That guests ask for when they start. */
    private volatile int features;

    /**
     * Has no instance yet.
     *
     * @param module of which a reference is its own from now on, until it is closed
     */
    public EdgeFunction(SharedModule module, FunctionSettings settings, Surroundings surroundings, FunctionLog log) {
        this.module = module;
        this.settings = settings;
        this.surroundings = surroundings;
        this.log = log;
        surroundings.memory.add(this);
    }

    FunctionSettings settings() {
        return settings;
    }

    boolean usesBodies() {
        FunctionModule known = module.module();
        return known != null && known.usesBodies();
    }

    /** Whether it is known to want the bodies of requests, so that it is not to be called without them. */
    public boolean buffersRequests() {
        return usesBodies() && (features & Features.BUFFER_REQUEST) != 0;
    }

    /** Instances that there are. */
    public synchronized int instances() {
        return instances;
    }

    /** Calls it for a request. It computes, and may be interrupted. */
    public FunctionOutcome request(FunctionRequest request) throws FunctionException {
        Guest guest = take();
        boolean kept = false;
        try {
            Turn turn = Turn.request(request, guest.features(), settings.maxBodyBytes());
            long word = guest.handleRequest(turn);
            int context = (int) (word >>> UPPER);
            FunctionOutcome outcome = switch ((int) word) {
                case 0 -> new FunctionOutcome.Answered(turn.own());
                case 1 -> passed(guest, turn, request, context);
                default ->
                    throw new FunctionException(
                            Reason.FAILED, "handle_request gives next = " + (int) word + "; expected 0 or 1");
            };
            boolean waits = outcome instanceof FunctionOutcome.Passed on
                    && on.visit() != null
                    && on.visit().open();
            boolean room = counted(guest);
            if (waits && !room) {
                throw new FunctionException(Reason.BUSY, USED_UP);
            }
            kept = waits || room;
            if (!waits && room) {
                giveBack(guest);
            }
            return outcome;
        } catch (BodyNeededFault e) {
            return new FunctionOutcome.BodyNeeded();
        } catch (FunctionException e) {
            throw told(e);
        } catch (GuestFault e) {
            throw told(e.exception());
        } catch (IllegalArgumentException e) {
            throw told(new FunctionException(Reason.FAILED, String.valueOf(e.getMessage())));
        } finally {
            if (!kept) {
                discard(guest);
            }
        }
    }

    private FunctionOutcome.Passed passed(Guest guest, Turn turn, FunctionRequest request, int context) {
        HeaderChanges known = turn.answerHeaders();
        boolean sees = guest.seesAnswers();
        FunctionVisit visit = sees || !known.equals(HeaderChanges.NONE)
                ? new FunctionVisit(this, request, known, turn.features(), context, sees ? guest : null)
                : null;
        return new FunctionOutcome.Passed(turn.passed(), turn.newRequestBody(), visit);
    }

    /** Tells a guest of an answer. It computes, and may be interrupted. */
    AnswerOutcome answer(Guest guest, Turn turn, int context, boolean error) throws FunctionException {
        boolean kept = false;
        try {
            guest.handleResponse(turn, context, error);
            AnswerOutcome outcome = turn.answer();
            kept = counted(guest);
            if (kept) {
                giveBack(guest);
            }
            return outcome;
        } catch (FunctionException e) {
            throw told(e);
        } catch (IllegalArgumentException e) {
            throw told(new FunctionException(Reason.FAILED, String.valueOf(e.getMessage())));
        } finally {
            if (!kept) {
                discard(guest);
            }
        }
    }

    private FunctionException told(FunctionException e) {
        log.failed(String.valueOf(e.getMessage()));
        return e;
    }

    // ---- instances

    private Guest take() throws FunctionException {
        synchronized (this) {
            Guest known = idle.pollFirst();
            if (known != null) {
                return known;
            }
            if (instances >= settings.maxInstances()) {
                throw new FunctionException(Reason.BUSY, "it has as many instances as it may have");
            }
            instances++;
        }
        if (!module.retain()) {
            synchronized (this) {
                instances--;
            }
            throw new FunctionException(Reason.BUSY, "it is gone");
        }
        FunctionModule loaded = module.module();
        if (loaded == null) {
            String problem = module.reading(0, false).problem();
            forget(0);
            throw problem == null
                    ? new FunctionException(Reason.BUSY, "its module is not compiled yet")
                    : told(new FunctionException(Reason.FAILED, problem));
        }
        long memory = loaded.initialMemory() + loaded.overhead();
        if (!surroundings.memory.take(memory)) {
            forget(0);
            throw told(new FunctionException(Reason.BUSY, USED_UP));
        }
        try {
            Guest made = new Guest(
                    loaded,
                    settings,
                    loaded.usesWasi() ? Wasi.functions(surroundings.clock, surroundings.random, log) : List.of(),
                    log);
            made.counted = memory;
            features = made.features();
            return made;
        } catch (FunctionException e) {
            forget(memory);
            throw told(e);
        }
    }

    /** Counts what an instance has now; false: there is no room for it to stay. */
    private boolean counted(Guest guest) {
        long memory = guest.memory();
        boolean room = surroundings.memory.grown(memory - guest.counted);
        guest.counted = memory;
        return room;
    }

    private void giveBack(Guest guest) {
        long now = surroundings.clock.nanoTime();
        synchronized (this) {
            Guest oldest = idle.peekLast();
            if (oldest != null && now - oldest.usedNanos > IDLE_NANOS) {
                discard(idle.removeLast());
            }
            if (!closed) {
                guest.usedNanos = now;
                idle.addFirst(guest);
                return;
            }
        }
        discard(guest);
    }

    /** Throws an instance away. */
    void discard(Guest guest) {
        forget(guest.counted);
    }

    private void forget(long memory) {
        surroundings.memory.give(memory);
        synchronized (this) {
            instances--;
        }
        module.release();
    }

    /** Has its module stay for a call that waits; false: it is gone already. */
    public boolean retain() {
        return module.retain();
    }

    /** The call is over. */
    public void release() {
        module.release();
    }

    /** Keeps no instances any more, and lets its module go; calls that retain it are still handled. */
    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
            surroundings.memory.remove(this);
            discardIdle();
        }
        module.release();
    }

    /** Throws instances away that nothing needs now, so that others have their memory. */
    synchronized void discardIdle() {
        for (Guest each = idle.pollFirst(); each != null; each = idle.pollFirst()) {
            discard(each);
        }
    }
}
