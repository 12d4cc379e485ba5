package dev.coppice.distribution;

import dev.coppice.distribution.transport.Connection;
import dev.coppice.distribution.transport.Receiver;
import dev.coppice.distribution.transport.Transport;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Connections between nodes in one process. A cut closes what is open, and refuses what is new. */
final class MemoryNetwork {
    private final Map<InetSocketAddress, MemoryTransport> transports = new ConcurrentHashMap<>();
    private final CopyOnWriteArrayList<End> ends = new CopyOnWriteArrayList<>();
    private final Set<Set<InetSocketAddress>> cuts = ConcurrentHashMap.newKeySet();

    static InetSocketAddress address(int number) {
        return InetSocketAddress.createUnresolved("node" + number, 1);
    }

    Transport transport(InetSocketAddress at) {
        MemoryTransport made = new MemoryTransport(at);
        transports.put(at, made);
        return made;
    }

    void cut(InetSocketAddress a, InetSocketAddress b) {
        cuts.add(Set.of(a, b));
        for (End each : ends) {
            if (new HashSet<>(Set.of(a, b)).equals(Set.of(each.from, each.to))) {
                each.close("cut");
            }
        }
    }

    void heal() {
        cuts.clear();
    }

    private final class MemoryTransport implements Transport {
        private final InetSocketAddress at;
        private volatile @Nullable Function<Connection, Receiver> acceptor;

        MemoryTransport(InetSocketAddress at) {
            this.at = at;
        }

        @Override
        public Connection connect(InetSocketAddress address, Receiver receiver) {
            End near = new End(at, address);
            near.receiver = receiver;
            MemoryTransport other = transports.get(address);
            Function<Connection, Receiver> known = other == null ? null : other.acceptor;
            if (known == null || address.equals(at) == false && cuts.contains(Set.of(at, address))) {
                near.close("nobody listens at " + address);
                return near;
            }
            End far = new End(address, at);
            near.other = far;
            far.other = near;
            ends.add(near);
            ends.add(far);
            far.receiver = known.apply(far);
            far.pump();
            return near;
        }

        @Override
        public void accept(Function<Connection, Receiver> who) {
            acceptor = who;
        }

        @Override
        public void close() {
            acceptor = null;
            transports.remove(at, this);
        }
    }

    private final class End implements Connection {
        private final InetSocketAddress from;
        private final InetSocketAddress to;
        private final ArrayDeque<byte[]> pending = new ArrayDeque<>();
        private volatile @Nullable Receiver receiver;
        private volatile @Nullable End other;
        private int credits;
        private boolean pumping;
        private boolean closed;

        End(InetSocketAddress from, InetSocketAddress to) {
            this.from = from;
            this.to = to;
        }

        @Override
        public void send(byte[] batch) {
            End far = other;
            if (far != null) {
                synchronized (far) {
                    if (!far.closed) {
                        far.pending.add(batch);
                    }
                }
                far.pump();
            }
        }

        @Override
        public boolean writable() {
            End far = other;
            if (far == null) {
                return true;
            }
            synchronized (far) {
                return far.pending.size() < 8;
            }
        }

        @Override
        public void request(int batches) {
            synchronized (this) {
                credits += batches;
            }
            pump();
        }

        private void pump() {
            while (true) {
                byte[] next;
                Receiver to;
                synchronized (this) {
                    to = receiver;
                    if (pumping || closed || to == null || credits == 0 || pending.isEmpty()) {
                        return;
                    }
                    pumping = true;
                    credits--;
                    next = pending.removeFirst();
                }
                to.received(next);
                synchronized (this) {
                    pumping = false;
                }
                End far = other;
                Receiver sender = far == null ? null : far.receiver;
                if (sender != null) {
                    sender.writable();
                }
            }
        }

        @Override
        public void close(String why) {
            synchronized (this) {
                if (closed) {
                    return;
                }
                closed = true;
                pending.clear();
            }
            ends.remove(this);
            Receiver told = receiver;
            if (told != null) {
                told.closed(why);
            }
            End far = other;
            if (far != null) {
                far.close(why);
            }
        }
    }
}
