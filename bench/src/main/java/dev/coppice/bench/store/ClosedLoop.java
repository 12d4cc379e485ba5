package dev.coppice.bench.store;

import dev.coppice.kernel.Clock;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Selector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Keeps a number of calls in flight: each answer sends the next. One thread does it all; places are dealt to the connections
 * in turn, and connections to the servers.
 */
final class ClosedLoop {

    private final Clock clock;

    ClosedLoop(Clock clock) {
        this.clock = clock;
    }

    /** What came of it. */
    record Done(long calls, double seconds, long[] sortedNanos) {
        double perSecond() {
            return calls / seconds;
        }

        double millis(double quantile) {
            return sortedNanos.length == 0 ? Double.NaN : sortedNanos[(int) (sortedNanos.length * quantile)] / 1e6;
        }
    }

    /** Runs it for so long, and until what is in flight then is answered. */
    Done run(List<Integer> ports, int connections, int inFlight, double seconds, Load.Kind kind) throws IOException {
        try (Selector selector = Selector.open()) {
            List<LeanConnection> open = new ArrayList<>();
            for (int i = 0; i < connections; i++) {
                open.add(new LeanConnection(ports.get(i % ports.size()), selector));
            }
            long begin = clock.nanoTime();
            Recorder recorder = new Recorder(begin + (long) (seconds * 1e9));
            for (int place = 0; place < inFlight; place++) {
                new Place(kind.of(place), open.get(place % connections), recorder).send();
            }
            for (LeanConnection each : open) {
                each.flush();
            }
            while (recorder.open > 0) {
                LeanConnection.turn(selector);
            }
            long[] nanos = Arrays.copyOf(recorder.nanos, recorder.calls);
            double took = (clock.nanoTime() - begin) / 1e9;
            Arrays.sort(nanos);
            for (LeanConnection each : open) {
                each.close();
            }
            return new Done(nanos.length, took, nanos);
        }
    }

    private static final class Recorder {
        private final long deadline;
        private long[] nanos = new long[1 << 16];
        private int calls;
        private int open;

        Recorder(long deadline) {
            this.deadline = deadline;
        }

        void took(long value) {
            if (calls == nanos.length) {
                nanos = Arrays.copyOf(nanos, calls * 2);
            }
            nanos[calls++] = value;
        }
    }

    private final class Place implements LeanConnection.Call {
        private final Load load;
        private final LeanConnection connection;
        private final Recorder recorder;
        private long sent;

        Place(Load load, LeanConnection connection, Recorder recorder) {
            this.load = load;
            this.connection = connection;
            this.recorder = recorder;
        }

        void send() {
            sent = clock.nanoTime();
            byte[] request = sent < recorder.deadline ? load.next() : null;
            if (request != null) {
                recorder.open++;
                connection.call(load.path(), request, this);
            }
        }

        @Override
        public void message(ByteBuffer message) {
            load.answered(message);
        }

        @Override
        public void ended(boolean failed) {
            if (failed && !load.failed()) {
                throw new IllegalStateException("a call of " + load.path() + " failed");
            }
            recorder.took(clock.nanoTime() - sent);
            recorder.open--;
            send();
        }
    }
}
