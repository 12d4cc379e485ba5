package dev.coppice.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A resource API as controllers use it. It is either this process's own, with no HTTP between, and the same authorization,
 * admission, validation and storage as for a request from outside; or that of a Kubernetes cluster. Objects are JSON trees;
 * {@link Kind} turns them into records and back. Calls block, and throw {@link ApiException}. Safe for use by many threads.
 */
public interface ResourceClient {

    /** A resource as it is addressed, such as ("apps", "v1", "deployments"). */
    record ResourceType(String group, String version, String plural) {
        public String apiVersion() {
            return group.isEmpty() ? version : group + "/" + version;
        }
    }

    /** Which objects: empty namespace means all; empty selectors mean any (Kubernetes' syntax). */
    record Query(String namespace, String labelSelector, String fieldSelector) {
        public static final Query ALL = new Query("", "", "");

        public static Query namespace(String namespace) {
            return new Query(namespace, "", "");
        }
    }

    /**
     * A list at one point in time.
     *
     * @param resourceVersion where a watch that misses nothing starts
     */
    record Listing(List<ObjectNode> items, String resourceVersion) {}

    Optional<ObjectNode> get(ResourceType type, String namespace, String name);

    Listing list(ResourceType type, Query query);

    /** Creates {@code object}; its namespace is the object's own. Throws {@link ApiException}. */
    ObjectNode create(ResourceType type, ObjectNode object);

    /** Replaces; a resourceVersion in the object guards against lost updates. Throws {@link ApiException}. */
    ObjectNode update(ResourceType type, ObjectNode object);

    /** Replaces the status only. */
    ObjectNode updateStatus(ResourceType type, ObjectNode object);

    /** A merge patch (RFC 7386), on the object or a sub-resource such as {@code status}. */
    ObjectNode mergePatch(
            ResourceType type, String namespace, String name, @Nullable String subresource, ObjectNode patch);

    /** Server-side apply as {@code fieldManager}. */
    ObjectNode apply(ResourceType type, ObjectNode object, String fieldManager, boolean force);

    /** Deletes; false when there was none. */
    boolean delete(ResourceType type, String namespace, String name);

    /**
     * How a deletion goes on, and what has to be true for it (meta.k8s.io/v1 DeleteOptions).
     *
     * @param propagation what becomes of the objects that it owns
     * @param uid deletes only the object with this uid; null for any
     */
    record Deletion(Propagation propagation, @Nullable String uid) {
        public enum Propagation {
            /** They are deleted afterwards. */
            BACKGROUND,
            /** They are deleted before. */
            FOREGROUND,
            /** They stay, without this owner. */
            ORPHAN
        }
    }

    /** Deletes as {@code deletion} says; false when there was none. Throws ApiException 409 when the uid is another. */
    default boolean delete(ResourceType type, String namespace, String name, Deletion deletion) {
        return delete(type, namespace, name);
    }

    /**
     * Watches from a resourceVersion (empty: from now). Events arrive in order, one at a time. Ends by close, or with
     * {@link WatchObserver#closed} when the server ends it; then list and watch anew.
     */
    Watch watch(ResourceType type, Query query, String resourceVersion, WatchObserver observer);

    interface WatchObserver {
        void event(EventType type, ObjectNode object);

        /** No more events will come. {@code error} is null after an orderly end. */
        void closed(@Nullable ApiException error);
    }

    enum EventType {
        ADDED,
        MODIFIED,
        DELETED,
        BOOKMARK
    }

    interface Watch extends AutoCloseable {
        @Override
        void close();
    }

    /**
     * Tells that something happened to an object, as an Event resource; equal events are counted together.
     *
     * @param type {@code Normal} or {@code Warning}
     * @param reason one word in CamelCase
     */
    void event(ObjectNode regarding, String type, String reason, String note);

    /** A Secret's decoded data. Empty when there is none. */
    default Optional<Map<String, byte[]>> secret(String namespace, String name) {
        return get(new ResourceType("", "v1", "secrets"), namespace, name).map(Trees::decoded);
    }

    /** All served types, for those who browse. */
    List<ServedType> types();

    /** A type the API serves. */
    record ServedType(
            ResourceType type, String kind, boolean namespaced, List<String> verbs, List<String> categories) {}

    /** Rows and columns as kubectl shows them (meta.k8s.io/v1 Table). */
    ObjectNode table(ResourceType type, Query query);
}
