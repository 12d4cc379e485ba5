package dev.coppice.control.engine;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.history.Journal;
import dev.coppice.control.request.Json;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.storage.ObjectStore;
import dev.coppice.control.storage.ObjectStore.Stored;
import dev.coppice.control.storage.ObjectStore.Written;
import dev.coppice.store.api.RequestOp;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Writes objects as they are stored, each change in one transaction with its entry in the journal. Safe for use by many threads. */
final class ObjectWriter {
    private final ObjectStore store;
    private final @Nullable Journal journal;

    /** A writer; without a journal, for a draft, the store takes what is written and nobody is told. */
    ObjectWriter(ObjectStore store, @Nullable Journal journal) {
        this.store = store;
        this.journal = journal;
    }

    /** An object as it is stored: the tree for the journal, the bytes for the store. */
    record Encoded(ObjectNode tree, byte[] bytes) {
        static Encoded of(Definition definition, ObjectNode served) {
            ObjectNode tree = definition.toStored().apply(served.deepCopy());
            ObjectNode meta = Json.metadata(tree);
            meta.remove("resourceVersion");
            meta.remove("selfLink");
            return new Encoded(tree, Json.bytes(tree));
        }
    }

    /** An object as it is now: what the store has, and that as it is served. */
    record Present(Stored stored, ObjectNode served) {
        private ObjectNode tree(Definition definition) {
            return definition.storedVersion() ? served : Json.parse(stored.value());
        }
    }

    Written create(Target target, ObjectNode served, WriteOptions options, Caller caller) {
        Definition d = target.definition();
        return put(target, null, Encoded.of(d, served), d.timeToLive(), options, caller);
    }

    /** Refused when the object is not the present one any more. */
    Written change(Target target, Present present, Encoded next, WriteOptions options, Caller caller) {
        return put(target, present, next, target.definition().timeToLive(), options, caller);
    }

    /** The same for an object that waits for its finalizers: it does not end before they are done. */
    Written mark(Target target, Present present, ObjectNode marked, WriteOptions options, Caller caller) {
        return put(target, present, Encoded.of(target.definition(), marked), null, options, caller);
    }

    private Written put(
            Target target,
            @Nullable Present present,
            Encoded next,
            @Nullable Duration ttl,
            WriteOptions options,
            Caller caller) {
        long revision = present == null ? 0 : present.stored().revision();
        Journal.Draft draft = draft(target, present, next.tree(), options, caller);
        return noted(
                draft,
                store.put(
                        target.key(),
                        revision,
                        next.bytes(),
                        target.definition().sealed(),
                        ttl,
                        () -> entry(draft, revision, caller)));
    }

    /** Whether it is gone; not so when it is not the present one any more. */
    boolean delete(Target target, Present present, WriteOptions options, Caller caller) {
        long revision = present.stored().revision();
        Journal.Draft draft = draft(target, present, null, options, caller);
        return noted(
                        draft,
                        store.delete(
                                target.key(),
                                revision,
                                target.definition().sealed(),
                                () -> entry(draft, revision, caller)))
                instanceof Written.Done;
    }

    private static Journal.Draft draft(
            Target target, @Nullable Present present, @Nullable ObjectNode next, WriteOptions options, Caller caller) {
        ObjectNode before =
                present == null || !Journal.keeps(target.definition()) ? null : present.tree(target.definition());
        return new Journal.Draft(target, before, next, options.verb(), options.managerOf(caller));
    }

    private List<RequestOp> entry(Journal.Draft draft, long revision, Caller caller) {
        return journal == null ? List.of() : journal.operations(draft, revision, caller);
    }

    private Written noted(Journal.Draft draft, Written written) {
        if (journal != null && written instanceof Written.Done) {
            journal.wrote(draft);
        }
        return written;
    }
}
