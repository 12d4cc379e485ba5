package dev.coppice.control;

import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;

/** A local, always fresh copy of all objects of a kind, kept by list and watch. Safe for use by many threads. */
public interface Informer<S extends Record, T extends Record> {

    Optional<Resource<S, T>> get(Key key);

    List<Resource<S, T>> list();

    /** Calls the observer with the old and the new state (either empty) of every change, in order per key. */
    AutoCloseable observe(BiConsumer<Optional<Resource<S, T>>, Optional<Resource<S, T>>> observer);
}
