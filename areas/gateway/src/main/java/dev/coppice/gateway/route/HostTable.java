package dev.coppice.gateway.route;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Values by host name: exact ones, ones for all names below a domain ({@code *.example.org}, of any depth but not the domain
 * itself), and one for any name. Built once, then read by any thread.
 */
public final class HostTable<T> {
    private final Map<String, T> exact = new HashMap<>();
    private final Map<String, T> below = new HashMap<>();
    private @Nullable T any;

    /** The value at a host name as a listener or route has it, made when it is missing. */
    T at(String hostname, Function<? super String, ? extends T> made) {
        if (hostname.isEmpty() || hostname.equals("*")) {
            any = Objects.requireNonNullElseGet(any, () -> made.apply(hostname));
            return any;
        }
        return hostname.startsWith("*.")
                ? below.computeIfAbsent(hostname.substring(2), _ -> made.apply(hostname))
                : exact.computeIfAbsent(hostname, made);
    }

    /** Of the values for a host name, the most specific first, the first for which the question has an answer. */
    public <R, Q> @Nullable R find(String host, Q about, Question<? super T, ? super Q, ? extends R> question) {
        T value = exact.get(host);
        R answer = value == null ? null : question.ask(value, about);
        if (answer != null) {
            return answer;
        }
        if (!below.isEmpty()) {
            for (int dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
                value = below.get(host.substring(dot + 1));
                answer = value == null ? null : question.ask(value, about);
                if (answer != null) {
                    return answer;
                }
            }
        }
        return any == null ? null : question.ask(any, about);
    }

    /** The value for the most specific of the names that match. */
    public @Nullable T find(String host) {
        return find(host, host, (value, _) -> value);
    }

    /** Asks a value about something; null: no answer. */
    @FunctionalInterface
    public interface Question<T, Q, R> {
        @Nullable
        R ask(T value, Q about);
    }
}
