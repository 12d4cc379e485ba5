package dev.coppice.gateway.proxy;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Calls of extensions that go on although they were interrupted. Those of them that compute have a thread of the operating system each, of which all virtual threads of the
 * process together have as many as there are processors: so few of them are borne. Safe for use by many threads.
 */
final class EndlessCalls {
    private final int most;
    private final Set<Thread> threads = ConcurrentHashMap.newKeySet();

    /** @param most that compute, before filters that have one get no further calls */
    EndlessCalls(int most) {
        this.most = most;
    }

    void add(Thread thread) {
        threads.add(thread);
    }

    void remove(Thread thread) {
        threads.remove(thread);
    }

    /** Whether as many compute as are borne. */
    boolean full() {
        return computing() >= most;
    }

    /** Those that compute, or want to. */
    int computing() {
        return threads.isEmpty()
                ? 0
                : (int) threads.stream()
                        .filter(each -> each.getState() == Thread.State.RUNNABLE)
                        .count();
    }

    /** All of them, also those that wait for something. */
    int count() {
        return threads.size();
    }
}
