package dev.coppice.control.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Informer;
import dev.coppice.control.Key;
import dev.coppice.control.Kind;
import dev.coppice.control.Resource;
import dev.coppice.schema.RecordMapper;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Function;

/** An informer of a kind made of records, with indexes. */
public final class RecordInformer<S extends Record, T extends Record> implements Informer<S, T> {

    private final ObjectCache<Resource<S, T>> cache;

    RecordInformer(ObjectCache<Resource<S, T>> cache) {
        this.cache = cache;
    }

    /** Reads an object of a kind; a spec that is left out is an empty one. */
    public static <S extends Record, T extends Record> Resource<S, T> read(Kind<S, T> kind, ObjectNode tree) {
        JsonNode spec = tree.hasNonNull("spec") ? tree.get("spec") : JsonNodeFactory.instance.objectNode();
        JsonNode status = tree.path("status");
        return new Resource<>(
                kind,
                tree,
                RecordMapper.toRecord(spec, kind.spec()),
                status.isObject() && !status.isEmpty() ? RecordMapper.toRecord(status, kind.status()) : null);
    }

    @Override
    public Optional<Resource<S, T>> get(Key key) {
        return cache.get(key);
    }

    @Override
    public List<Resource<S, T>> list() {
        return cache.list();
    }

    public List<Resource<S, T>> list(String namespace) {
        return cache.list(namespace);
    }

    @Override
    public AutoCloseable observe(BiConsumer<Optional<Resource<S, T>>, Optional<Resource<S, T>>> observer) {
        return cache.observe(observer);
    }

    /** See {@link ObjectCache#indexBy}. */
    public void indexBy(String name, Function<Resource<S, T>, ? extends Collection<String>> values) {
        cache.indexBy(name, values);
    }

    /** See {@link ObjectCache#find}. */
    public List<Resource<S, T>> find(String index, String value) {
        return cache.find(index, value);
    }
}
