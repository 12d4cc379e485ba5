package dev.coppice.distribution;

import dev.coppice.distribution.codec.MessageException;
import dev.coppice.kernel.ProcessRef;
import java.util.Iterator;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Which processes of this node others may reach: those whose address was sent to another node, each with a number. Nobody
 * reaches a process that was not given away. Safe for use by many threads.
 */
final class Exports {
    private final int max;
    private final Map<Long, ProcessRef<?>> byNumber = new ConcurrentHashMap<>();
    private final Map<ProcessRef<?>, Long> numbers = new ConcurrentHashMap<>();
    private final AtomicLong last = new AtomicLong();

    Exports(int max) {
        this.max = max;
    }

    long number(ProcessRef<?> process) {
        Long known = numbers.get(process);
        if (known != null) {
            return known;
        }
        return add(process);
    }

    private synchronized long add(ProcessRef<?> process) {
        Long known = numbers.get(process);
        if (known != null) {
            return known;
        }
        if (numbers.size() >= max) {
            sweep();
        }
        if (numbers.size() >= max) {
            throw new MessageException(
                    "other nodes know " + max + " processes of this one already, and all of them live");
        }
        long number = last.incrementAndGet();
        byNumber.put(number, process);
        numbers.put(process, number);
        return number;
    }

    /** Forgets who is dead. Whoever is just being restarted may be among them, and has to be given away anew. */
    private void sweep() {
        for (Iterator<Map.Entry<ProcessRef<?>, Long>> each = numbers.entrySet().iterator(); each.hasNext(); ) {
            Map.Entry<ProcessRef<?>, Long> entry = each.next();
            if (!entry.getKey().alive()) {
                byNumber.remove(entry.getValue());
                each.remove();
            }
        }
    }

    @Nullable
    ProcessRef<?> find(long number) {
        return byNumber.get(number);
    }

    int size() {
        return numbers.size();
    }
}
