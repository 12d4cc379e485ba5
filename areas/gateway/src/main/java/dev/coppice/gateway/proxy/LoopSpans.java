package dev.coppice.gateway.proxy;

import dev.coppice.gateway.trace.Span;
import dev.coppice.gateway.trace.SpanQueue;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/** The spans of one event loop that were not handed over yet. Used on that loop only. */
final class LoopSpans {
    private final Map<SpanExporter, List<Span>> all = new IdentityHashMap<>(0);

    void add(SpanExporter exporter, Span span) {
        List<Span> list = all.computeIfAbsent(exporter, _ -> new ArrayList<>());
        list.add(span);
        if (list.size() == SpanQueue.MOST_LISTED) {
            all.remove(exporter);
            exporter.queue().add(list);
        }
    }

    /** Hands over what there is. */
    void flush() {
        if (!all.isEmpty()) {
            all.forEach((exporter, spans) -> exporter.queue().add(spans));
            all.clear();
        }
    }
}
