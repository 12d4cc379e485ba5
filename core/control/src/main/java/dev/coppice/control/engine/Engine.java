package dev.coppice.control.engine;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.admission.Admission;
import dev.coppice.control.history.Journal;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.storage.CachedObject;
import dev.coppice.control.storage.DraftStore;
import dev.coppice.control.storage.ObjectStore;
import dev.coppice.control.storage.ObjectStore.Stored;
import dev.coppice.control.storage.ObjectStore.Written;
import dev.coppice.control.storage.WatchFeed;
import dev.coppice.kernel.Kernel;
import dev.coppice.schema.Cause;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The verbs that change objects, over any type: create, update, patch, delete. Whoever calls has been authorized. Safe for
 * use by many threads.
 */
public final class Engine {
    private static final int TRIES = 6;
    private static final String SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789";

    private static final WriteOptions DELETION = WriteOptions.DEFAULT.asking("delete");

    private final Kernel kernel;
    private final ObjectStore store;
    private final WatchFeed feed;
    private final FieldManagement fields;
    private final ObjectWriter writer;
    private final boolean draft;
    private final AdmissionChain admissions = new AdmissionChain();

    public Engine(Kernel kernel, ObjectStore store, WatchFeed feed, FieldManagement fields, Journal journal) {
        this(kernel, store, feed, fields, new ObjectWriter(store, journal), false);
    }

    private Engine(
            Kernel kernel,
            ObjectStore store,
            WatchFeed feed,
            FieldManagement fields,
            ObjectWriter writer,
            boolean draft) {
        this.kernel = kernel;
        this.store = store;
        this.feed = feed;
        this.fields = fields;
        this.writer = writer;
        this.draft = draft;
    }

    /** One whose dry runs are written, into a draft that is thrown away: so that each finds what those before it made. */
    public static Engine drafting(Kernel kernel, DraftStore store, WatchFeed feed, FieldManagement fields) {
        return new Engine(kernel, store, feed, fields, new ObjectWriter(store, null), true);
    }

    /** Whether others are told that it is a dry run: of all that a draft does, also of what it does by itself. */
    private boolean dry(boolean asked) {
        return asked || draft;
    }

    /** Whether what was asked for ends before it is written. */
    private boolean ends(boolean dryRun) {
        return dryRun && !draft;
    }

    public void addAdmission(Admission admission) {
        admissions.add(admission);
    }

    public void addMutation(Admission.Mutating mutation) {
        admissions.add(mutation);
    }

    public Kernel kernel() {
        return kernel;
    }

    public WatchFeed feed() {
        return feed;
    }

    public ObjectStore store() {
        return store;
    }

    /** The time as it stands in objects. */
    public String now() {
        return DateTimeFormatter.ISO_INSTANT.format(kernel.clock().now().truncatedTo(ChronoUnit.SECONDS));
    }

    // ---- reading

    /** An object in the definition's version, as the store has it now; null when it is not there. */
    public @Nullable ObjectNode read(Target target) {
        Stored stored = store.get(target.key());
        return stored == null ? null : served(target.definition(), stored);
    }

    /** The tree that is served of a stored value. */
    public ObjectNode served(Definition definition, Stored stored) {
        ObjectNode tree = definition.fromStored().apply(Json.parse(stored.value()));
        Json.metadata(tree).put("resourceVersion", Long.toString(stored.revision()));
        return tree;
    }

    /** The tree that is served of a cached object. */
    public static ObjectNode served(Definition definition, CachedObject object) {
        ObjectNode tree = object.tree();
        return definition.storedVersion() ? tree : definition.fromStored().apply(tree);
    }

    /** The trees that are served of cached objects, in their order. */
    public static List<ObjectNode> served(Definition definition, List<CachedObject> objects) {
        List<ObjectNode> trees = objects.stream().map(CachedObject::tree).toList();
        return definition.storedVersion() ? trees : definition.fromStored(trees);
    }

    // ---- creating

    public Outcome create(Target target, ObjectNode body, WriteOptions options, Caller caller) {
        Definition d = target.definition();
        BodyChecks.checkKind(d, body);
        BodyChecks.checkFields(d, body, options, caller);
        ObjectNode object = body.deepCopy();
        BodyChecks.place(d, target.namespace(), object);
        if (!Json.text(object, "metadata", "resourceVersion").isEmpty()) {
            throw Statuses.unknown("resourceVersion should not be set on objects to be created");
        }
        return insert(target, object, options.asking("create"), caller);
    }

    private Outcome insert(Target target, ObjectNode object, WriteOptions options, Caller caller) {
        Definition d = target.definition();
        ObjectNode meta = Json.metadata(object);
        String generate = meta.path("generateName").asText("");
        boolean generated = meta.path("name").asText("").isEmpty() && !generate.isEmpty();
        for (int attempt = 0; ; attempt++) {
            if (generated) {
                meta.put("name", generatedName(generate));
            }
            ObjectNode candidate = generated ? object.deepCopy() : object;
            Target named = Target.of(d, target.namespace(), Json.text(candidate, "metadata", "name"));
            try {
                return insertNamed(named, candidate, options, caller, true);
            } catch (ApiException e) {
                if (!generated || !e.reason().equals("AlreadyExists") || attempt >= TRIES) {
                    throw e;
                }
            }
        }
    }

    private String generatedName(String prefix) {
        StringBuilder name = new StringBuilder(prefix.length() > 58 ? prefix.substring(0, 58) : prefix);
        for (int i = 0; i < 5; i++) {
            name.append(SUFFIX_LETTERS.charAt(kernel.secureRandom().nextInt(SUFFIX_LETTERS.length())));
        }
        return name.toString();
    }

    private Outcome insertNamed(Target target, ObjectNode object, WriteOptions options, Caller caller, boolean track) {
        Definition d = target.definition();
        Preparation.settleNew(d, object);
        if (track) {
            fields.track(d, null, object, options.managerOf(caller), "", now());
        }
        Preparation.tidy(object);
        Admission.Request request = new Admission.Request(
                Admission.Operation.CREATE,
                target,
                object,
                null,
                options.tree("CreateOptions", dry(options.dryRun())),
                dry(options.dryRun()),
                caller);
        admissions.mutate(request, changed -> {
            Preparation.settleNew(d, changed);
            Preparation.tidy(changed);
        });
        ObjectNode meta = Json.metadata(object);
        meta.put("uid", newUid());
        meta.put("creationTimestamp", now());
        if (d.custom() || d.strategy().generation()) {
            meta.put("generation", 1);
        }
        List<Cause> causes = Validation.validateCreate(d, object);
        if (!causes.isEmpty()) {
            throw Statuses.invalid(d.group(), d.kind(), target.name(), causes);
        }
        Validation.warn(d, object, null, caller);
        admissions.admit(request);
        if (ends(options.dryRun())) {
            Stored there = store.get(target.key());
            if (there != null) {
                throw exists(target, there);
            }
            return new Outcome(object, true);
        }
        return switch (writer.create(target, object, options, caller)) {
            case Written.Done done -> {
                meta.put("resourceVersion", Long.toString(done.revision()));
                yield new Outcome(object, true);
            }
            case Written.Refused refused -> throw exists(target, refused.current());
        };
    }

    private ApiException exists(Target target, @Nullable Stored there) {
        Definition d = target.definition();
        ApiException plain = Statuses.alreadyExists(d.group(), d.plural(), target.name());
        if (there != null && served(d, there).path("metadata").hasNonNull("deletionTimestamp")) {
            plain.status()
                    .put(
                            "message",
                            "object is being deleted: "
                                    + plain.status().path("message").asText());
            return new ApiException(plain.status());
        }
        return plain;
    }

    /** A new random UUID (version 4). */
    public String newUid() {
        long high = kernel.secureRandom().nextLong();
        long low = kernel.secureRandom().nextLong();
        return new UUID((high & ~0xf000L) | 0x4000L, (low & ~(0xc0L << 56)) | (0x80L << 56)).toString();
    }

    /** An admission that is asked before the object is validated. */
    public interface EarlyAdmission extends Admission {}

    // ---- updating

    /** Replaces an object, or the part that a sub-resource is. */
    public Outcome update(Target target, ObjectNode body, WriteOptions options, Caller caller) {
        Definition d = target.definition();
        BodyChecks.checkKind(d, body);
        String name = Json.text(body, "metadata", "name");
        if (name.isEmpty()) {
            Json.metadata(body).put("name", target.name());
        } else if (!name.equals(target.name())) {
            throw Statuses.badRequest(
                    "the name of the object (" + name + ") does not match the name on the URL (" + target.name() + ")");
        }
        BodyChecks.place(d, target.namespace(), body);
        BodyChecks.checkFields(d, body, options, caller);
        boolean unconditional = d.strategy().unconditionalUpdate() && !d.custom();
        String version = Json.text(body, "metadata", "resourceVersion");
        return write(
                target,
                old -> {
                    if (old == null) {
                        if (!d.strategy().createOnUpdate()) {
                            BodyChecks.checkUid(target, body, null);
                            throw target.notFound();
                        }
                        return body.deepCopy();
                    }
                    BodyChecks.checkUid(target, body, old);
                    if (version.isEmpty() && !unconditional) {
                        throw Statuses.invalid(
                                d.group(),
                                d.plural(),
                                target.name(),
                                List.of(Cause.invalidShown(
                                        "metadata.resourceVersion", "0x0", "must be specified for an update")));
                    }
                    return body.deepCopy();
                },
                options,
                caller,
                true,
                version.isEmpty());
    }

    /** Makes the new state of an object from the old (null: there is none). */
    @FunctionalInterface
    public interface Change {
        ObjectNode apply(@Nullable ObjectNode old);
    }

    /**
     * Changes an object by a function, again when somebody else was faster.
     *
     * @param track record field ownership
     * @param retry whether a version in the result that is not current is a conflict of ours (retried) or of the caller's
     */
    public Outcome write(
            Target target, Change change, WriteOptions options, Caller caller, boolean track, boolean retry) {
        for (int attempt = 1; ; attempt++) {
            Stored current = store.get(target.key());
            ObjectNode old = current == null ? null : served(target.definition(), current);
            ObjectNode fresh = change.apply(old == null ? null : old.deepCopy());
            if (old == null || current == null) {
                ObjectNode meta = Json.metadata(fresh);
                meta.put("name", target.name());
                meta.remove("resourceVersion");
                BodyChecks.place(target.definition(), target.namespace(), fresh);
                try {
                    return insertNamed(
                            Target.of(target.definition(), target.namespace(), target.name()),
                            fresh,
                            options,
                            caller,
                            track);
                } catch (ApiException e) {
                    // Somebody else made it meanwhile: then this is a change of what they made.
                    if (!Statuses.isAlreadyExists(e) || !retry || attempt >= TRIES) {
                        throw e;
                    }
                    continue;
                }
            }
            Outcome done = replace(target, current, old, fresh, options, caller, track);
            if (done != null) {
                return done;
            }
            if (attempt >= TRIES || !retry) {
                throw target.conflict(Statuses.MODIFIED);
            }
        }
    }

    /** Null when the store has moved on. */
    private @Nullable Outcome replace(
            Target target,
            Stored current,
            ObjectNode old,
            ObjectNode fresh,
            WriteOptions options,
            Caller caller,
            boolean track) {
        Definition d = target.definition();
        String version = Json.text(fresh, "metadata", "resourceVersion");
        if (!version.isEmpty() && !version.equals("0") && !version.equals(Long.toString(current.revision()))) {
            throw target.conflict(Statuses.MODIFIED);
        }
        Preparation.settleChanged(target, fresh, old);
        if (track) {
            fields.track(d, old, fresh, options.managerOf(caller), target.subresource(), now());
        }
        Preparation.tidy(fresh);
        Admission.Request request = new Admission.Request(
                Admission.Operation.UPDATE,
                target,
                fresh,
                old,
                options.tree("UpdateOptions", dry(options.dryRun())),
                dry(options.dryRun()),
                caller);
        admissions.mutate(request, changed -> {
            Preparation.settleChanged(target, changed, old);
            Preparation.tidy(changed);
        });
        Preparation.countGeneration(d, fresh, old);
        List<Cause> causes = Validation.validateUpdate(target, fresh, old);
        if (!causes.isEmpty()) {
            throw Statuses.invalid(d.group(), d.kind(), target.name(), causes);
        }
        Validation.warn(d, fresh, old, caller);
        admissions.admit(request);
        return commit(target, current, old, fresh, options, caller);
    }

    private @Nullable Outcome commit(
            Target target, Stored current, ObjectNode old, ObjectNode fresh, WriteOptions options, Caller caller) {
        Definition d = target.definition();
        ObjectNode meta = Json.metadata(fresh);
        meta.put("resourceVersion", Long.toString(current.revision()));
        boolean goes = meta.hasNonNull("deletionTimestamp")
                && meta.path("finalizers").isEmpty()
                && !Preparation.heldByNamespace(d, fresh);
        if (ends(options.dryRun())) {
            return new Outcome(fresh, false);
        }
        ObjectWriter.Present present = new ObjectWriter.Present(current, old);
        if (goes) {
            return writer.delete(target, present, options, caller) ? new Outcome(fresh, false) : null;
        }
        ObjectWriter.Encoded next = ObjectWriter.Encoded.of(d, fresh);
        if (Preparation.sameBytes(next.bytes(), current, d, old, fresh)) {
            meta.put("resourceVersion", Long.toString(current.revision()));
            return new Outcome(old, false);
        }
        if (writer.change(target, present, next, options, caller) instanceof Written.Done done) {
            meta.put("resourceVersion", Long.toString(done.revision()));
            return new Outcome(fresh, false);
        }
        return null;
    }

    // ---- patching

    /** Changes an object by a patch; {@code merge} makes the new state of the old. */
    public Outcome patch(Target target, UnaryOperator<ObjectNode> merge, WriteOptions options, Caller caller) {
        Definition d = target.definition();
        return write(
                target,
                old -> {
                    if (old == null) {
                        throw target.notFound();
                    }
                    ObjectNode fresh = merge.apply(old);
                    BodyChecks.checkPatched(d, target, fresh, options, caller);
                    return fresh;
                },
                options.asking("patch"),
                caller,
                true,
                true);
    }

    /** Server-side apply. Creates what is not there. */
    public Outcome apply(Target target, ObjectNode configuration, WriteOptions options, Caller caller) {
        Definition d = target.definition();
        String kind = configuration.path("kind").asText("");
        String apiVersion = configuration.path("apiVersion").asText("");
        if (!kind.equals(d.kind()) || !apiVersion.equals(d.apiVersion())) {
            BodyChecks.checkKind(d, configuration);
        }
        String name = Json.text(configuration, "metadata", "name");
        if (!name.isEmpty() && !name.equals(target.name())) {
            throw Statuses.badRequest("name in URL does not match name in yaml: " + target.name() + " " + name);
        }
        String own = Json.text(configuration, "metadata", "namespace");
        if (d.namespaced() && !own.isEmpty() && !own.equals(target.namespace())) {
            throw Statuses.badRequest(
                    "the namespace of the provided object does not match the namespace sent on the request");
        }
        return write(
                target,
                old -> {
                    if (old == null && !target.subresource().isEmpty()) {
                        throw target.notFound();
                    }
                    ObjectNode config = configuration.deepCopy();
                    return fields.apply(
                            d, old, config, options.fieldManager(), target.subresource(), options.force(), now());
                },
                options.asking("apply"),
                caller,
                false,
                true);
    }

    // ---- deleting

    /**
     * Deletes an object, or marks it while finalizers hold it.
     *
     * @return the marked object, or empty when it is gone (its last state is then in the second part)
     */
    public Deleted delete(Target target, DeleteOptions options, Caller caller) {
        Definition d = target.definition();
        for (int attempt = 1; attempt <= TRIES; attempt++) {
            Stored current = store.get(target.key());
            if (current == null) {
                throw target.notFound();
            }
            ObjectNode old = served(d, current);
            ObjectWriter.Present present = new ObjectWriter.Present(current, old);
            DeletionMarks.checkPreconditions(target, options, old);
            ObjectNode tree = Json.object().put("kind", "DeleteOptions").put("apiVersion", "meta.k8s.io/v1");
            Admission.Request request = new Admission.Request(
                    Admission.Operation.DELETE, target, null, old, tree, dry(options.dryRun()), caller);
            admissions.mutate(request, _ -> {});
            admissions.admit(request);
            ObjectNode marked = DeletionMarks.marked(d, old, options, now());
            boolean held =
                    !marked.path("metadata").path("finalizers").isEmpty() || Preparation.heldByNamespace(d, marked);
            if (!held) {
                if (ends(options.dryRun())) {
                    return new Deleted(old, false);
                }
                if (writer.delete(target, present, DELETION, caller)) {
                    return new Deleted(old, false);
                }
            } else if (ends(options.dryRun()) || marked.equals(old)) {
                return new Deleted(marked, true);
            } else if (writer.mark(target, present, marked, DELETION, caller) instanceof Written.Done done) {
                Json.metadata(marked).put("resourceVersion", Long.toString(done.revision()));
                return new Deleted(marked, true);
            }
        }
        throw target.conflict(Statuses.MODIFIED);
    }

    /** What a deletion left: the object as it was or is, and whether it is still there. */
    public record Deleted(ObjectNode object, boolean held) {}
}
