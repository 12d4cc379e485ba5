package dev.coppice.kernel.stage;

import java.util.concurrent.Semaphore;
import java.util.function.Consumer;

/** What a worker does with messages. */
sealed interface Handler {
    void handle(Envelope in, Consumer<Object> out) throws Exception;

    void tick(Consumer<Object> out) throws Exception;

    void end(Consumer<Object> out) throws Exception;

    /** Makes other messages of them. */
    record Processing(Processor<Object, Object> processor) implements Handler {
        @Override
        public void handle(Envelope in, Consumer<Object> out) throws Exception {
            processor.process(in.value, out);
        }

        @Override
        public void tick(Consumer<Object> out) throws Exception {
            processor.tick(out);
        }

        @Override
        public void end(Consumer<Object> out) throws Exception {
            processor.end(out);
        }
    }

    /** Gives them to somebody who says later that they are done; the stage does not end before. */
    record HandingOver(HandOver<Object> taker, Semaphore permits, int limit) implements Handler {
        @Override
        public void handle(Envelope in, Consumer<Object> out) throws Exception {
            permits.acquire();
            in.claim.fork(1);
            Claim.Promise promise = new Claim.Promise(in.claim, permits::release);
            try {
                taker.take(in.value, promise);
            } catch (Throwable t) {
                promise.settle(null);
                throw t;
            }
        }

        @Override
        public void tick(Consumer<Object> out) {}

        @Override
        public void end(Consumer<Object> out) throws Exception {
            permits.acquire(limit);
            permits.release(limit);
            taker.end();
        }
    }
}
