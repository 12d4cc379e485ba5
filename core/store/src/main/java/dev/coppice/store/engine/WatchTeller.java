package dev.coppice.store.engine;

import dev.coppice.store.RequestLimits;
import java.util.ArrayList;
import java.util.List;

/**
 * Tells the watches of a session what they see: makes a response once for all that need the same, in parts where that is wished
 * for, and hands it to the session's sink. Used by the thread that delivers.
 */
final class WatchTeller {

    private final Space space;
    private final WatchSink sink;
    private int responses;

    WatchTeller(Space space, WatchSink sink) {
        this.space = space;
        this.sink = sink;
    }

    /** How many responses with events there were; it wraps around. */
    int responses() {
        return responses;
    }

    /** Tells the watches the events from their next one on; those that need the same are told at once. */
    void tell(WatchShape shape, Iterable<Watcher> watchers, List<Recorded> events, long revision) throws Exception {
        if (shape.previous()) {
            findPrevious(events);
        }
        long last = events.getLast().revision();
        List<Watcher> same = new ArrayList<>();
        int common = 0;
        for (Watcher watcher : watchers) {
            int first = firstFrom(events, watcher.next);
            if (first == events.size() || watcher.closed()) {
                continue;
            }
            if (first != common && !same.isEmpty()) {
                send(bodies(shape, events.subList(common, events.size()), revision), same);
                same.clear();
            }
            common = first;
            same.add(watcher);
            watcher.next = last + 1;
        }
        if (!same.isEmpty()) {
            send(bodies(shape, events.subList(common, events.size()), revision), same);
        }
    }

    private void findPrevious(List<Recorded> events) {
        var unused = space.read(view -> {
            events.forEach(each -> each.findPrevious(view, space.number(), space.compacted()));
            return true;
        });
    }

    private static int firstFrom(List<Recorded> events, long revision) {
        int low = 0;
        int high = events.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (events.get(middle).revision() < revision) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** One response, or several parts of one where that is wished for. */
    private List<WatchBody> bodies(WatchShape shape, List<Recorded> events, long revision) {
        var header = space.header(revision);
        if (!shape.fragment()) {
            return List.of(WatchBody.events(header, events, shape.previous(), false));
        }
        List<WatchBody> parts = new ArrayList<>();
        int begin = 0;
        long bytes = 0;
        for (int i = 0; i < events.size(); i++) {
            int size = events.get(i).event(shape.previous()).getSerializedSize();
            if (bytes > 0 && bytes + size > RequestLimits.DEFAULT.bytes()) {
                parts.add(WatchBody.events(header, events.subList(begin, i), shape.previous(), true));
                begin = i;
                bytes = 0;
            }
            bytes += size;
        }
        parts.add(WatchBody.events(header, events.subList(begin, events.size()), shape.previous(), false));
        return parts;
    }

    private void send(List<WatchBody> bodies, List<Watcher> same) throws Exception {
        long now = space.clock().nanoTime();
        responses += same.size();
        if (bodies.size() == 1) {
            long[] ids = new long[same.size()];
            for (int i = 0; i < ids.length; i++) {
                ids[i] = same.get(i).id();
                same.get(i).told(now);
            }
            sink.send(bodies.getFirst(), ids);
            return;
        }
        // Parts of a response follow each other.
        for (Watcher each : same) {
            for (WatchBody body : bodies) {
                send(body, each);
            }
        }
    }

    void send(WatchBody body, Watcher watcher) throws Exception {
        watcher.told(space.clock().nanoTime());
        sink.send(body, new long[] {watcher.id()});
    }
}
