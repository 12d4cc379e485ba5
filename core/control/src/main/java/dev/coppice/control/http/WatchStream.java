package dev.coppice.control.http;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.engine.Engine;
import dev.coppice.control.engine.Reader;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.ListOptions;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.storage.CachedObject;
import dev.coppice.control.storage.Change;
import dev.coppice.control.storage.ResourceCache;
import dev.coppice.control.storage.Subscription;
import dev.coppice.control.storage.WatchFeed;
import dev.coppice.kernel.Kernel;
import dev.coppice.serving.Exchange;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Streams the changes of a type to one client, as JSON lines, or as the messages of a WebSocket. Runs in the client's own thread. Each
 * write is one whole event.
 */
final class WatchStream {
    private static final Duration BOOKMARK_BEAT = Duration.ofSeconds(60);
    private static final long MIN_SECONDS = 1_800;

    private final Kernel kernel;
    private final WatchFeed feed;
    private final Definition definition;
    private final String namespace;
    private final ListOptions options;
    private final MediaType media;
    private final String include;

    /** An event as one watcher sees it. */
    private enum Seen {
        ADDED,
        MODIFIED,
        DELETED
    }

    WatchStream(
            Kernel kernel,
            WatchFeed feed,
            Definition definition,
            String namespace,
            ListOptions options,
            MediaType media,
            String include) {
        this.kernel = kernel;
        this.feed = feed;
        this.definition = definition;
        this.namespace = namespace;
        this.options = options;
        this.media = media;
        this.include = include;
    }

    void run(Exchange exchange) throws IOException {
        Reader.checkFields(definition, options.fields());
        long asked = options.revision();
        ResourceCache cache = definition.cache();
        boolean wantsInitial = options.sendInitialEvents().orElse(asked == 0);
        boolean endMark = options.sendInitialEvents().orElse(false);
        long fresh = options.resourceVersion().isEmpty() || endMark ? feed.fresh() : feed.applied();
        if (asked > 0 && endMark) {
            fresh = Math.max(fresh, feed.await(asked));
        }
        Subscription subscription;
        ApiException gone = null;
        try {
            subscription =
                    wantsInitial || asked == 0 ? cache.subscribeWithInitial(namespace, fresh) : cache.subscribe(asked);
        } catch (ApiException e) {
            subscription = null;
            gone = e;
        }
        exchange.status(200).setHeader("Content-Type", "application/json");
        exchange.setHeader("Cache-Control", "no-cache, private");
        try (OutputStream out = out(exchange)) {
            if (subscription == null) {
                ObjectNode event = Json.object().put("type", "ERROR");
                if (gone != null) {
                    event.set("object", gone.status());
                }
                line(out, Json.bytes(event));
                return;
            }
            try (Subscription s = subscription) {
                exchange.onClose(s::stop);
                out.flush();
                if (wantsInitial) {
                    initial(out, s, endMark);
                }
                follow(out, s);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static OutputStream out(Exchange exchange) throws IOException {
        Optional<OutputStream> messages = exchange.messages();
        return messages.isPresent() ? messages.get() : exchange.stream();
    }

    private void initial(OutputStream out, Subscription s, boolean endMark) throws IOException {
        boolean first = true;
        for (CachedObject o : s.initial()) {
            if (chosen(o)) {
                out.write(event(Seen.ADDED, o, first));
                first = false;
            }
        }
        if (endMark && options.bookmarks()) {
            out.write(bookmark(s.revision(), true));
        }
        out.flush();
    }

    private void follow(OutputStream out, Subscription s) throws IOException, InterruptedException {
        long seconds = options.timeoutSeconds() > 0
                ? options.timeoutSeconds()
                : MIN_SECONDS + kernel.random().nextLong(MIN_SECONDS);
        long start = kernel.clock().nanoTime();
        long last = s.revision();
        while (true) {
            Duration left =
                    Duration.ofSeconds(seconds).minusNanos(kernel.clock().nanoTime() - start);
            if (left.isNegative() || left.isZero()) {
                return;
            }
            Change change = s.take(left.compareTo(BOOKMARK_BEAT) < 0 ? left : BOOKMARK_BEAT);
            long applied = feed.applied();
            if (change == null) {
                // What was applied until now is in the queue by now: a bookmark must not promise more than was sent.
                change = s.take(Duration.ZERO);
            }
            if (change != null) {
                boolean wrote = false;
                while (change != null) {
                    last = change.revision();
                    byte[] event = event(change);
                    if (event != null) {
                        out.write(event);
                        wrote = true;
                    }
                    change = s.take(Duration.ZERO);
                }
                if (wrote) {
                    out.flush();
                }
            } else if (s.ended()) {
                if (s.overflowed()) {
                    overflow(out);
                }
                return;
            } else if (options.bookmarks() && s.revision() >= 0) {
                out.write(bookmark(Math.max(last, applied), false));
                out.flush();
            }
        }
    }

    private static void overflow(OutputStream out) throws IOException {
        ObjectNode event = Json.object().put("type", "ERROR");
        event.set(
                "object",
                dev.coppice.control.request.Statuses.expired("the watch did not keep up with the changes; list again")
                        .status());
        line(out, Json.bytes(event));
    }

    private static void line(OutputStream out, byte[] json) throws IOException {
        byte[] line = Arrays.copyOf(json, json.length + 1);
        line[json.length] = '\n';
        out.write(line);
        out.flush();
    }

    private boolean chosen(CachedObject o) {
        return (namespace.isEmpty() || o.namespace().equals(namespace)) && Reader.matches(definition, o, options);
    }

    private byte @Nullable [] event(Change change) {
        CachedObject before = change.before();
        CachedObject after = change.after();
        boolean was = before != null && chosen(before);
        boolean is = after != null && chosen(after);
        if (!was && !is) {
            return null;
        }
        Seen seen = is ? was ? Seen.MODIFIED : Seen.ADDED : Seen.DELETED;
        if (seen == Seen.DELETED && after != null && before != null) {
            ObjectNode left = before.tree();
            Json.metadata(left).put("resourceVersion", Long.toString(change.revision()));
            return event(
                    seen,
                    new CachedObject(
                            before.namespace(), before.key(), change.revision(), Json.bytes(left), before.labels()),
                    false);
        }
        CachedObject object = change.object();
        if (media.shape() == MediaType.Shape.TABLE) {
            return event(seen, object, false);
        }
        String encoding = definition.version() + "/" + definition.group() + " " + media.shape() + " " + seen;
        return change.encoded(encoding, () -> event(seen, object, false));
    }

    /** The line of an event. */
    private byte[] event(Seen seen, CachedObject object, boolean firstRow) {
        byte[] json = switch (media.shape()) {
            case OBJECT -> definition.storedVersion() ? object.json() : Json.bytes(Engine.served(definition, object));
            case PARTIAL -> Json.bytes(Tables.partial(Engine.served(definition, object)));
            case TABLE -> table(object, firstRow || seen != Seen.ADDED);
        };
        byte[] head = ("{\"type\":\"" + seen + "\",\"object\":").getBytes(StandardCharsets.UTF_8);
        byte[] line = new byte[head.length + json.length + 2];
        System.arraycopy(head, 0, line, 0, head.length);
        System.arraycopy(json, 0, line, head.length, json.length);
        line[line.length - 2] = '}';
        line[line.length - 1] = '\n';
        return line;
    }

    private byte[] table(CachedObject object, boolean columns) {
        ObjectNode table = Tables.table(definition, columns, Long.toString(object.revision()));
        ObjectNode served = Engine.served(definition, object);
        Tables.addRow(
                table,
                definition,
                definition.custom() ? served : object.tree(),
                served,
                include,
                kernel.clock().now());
        return Json.bytes(table);
    }

    private byte[] bookmark(long revision, boolean initialEnd) {
        ObjectNode event = Json.object().put("type", "BOOKMARK");
        ObjectNode object = event.putObject("object");
        object.put("kind", definition.kind()).put("apiVersion", definition.apiVersion());
        if (media.shape() == MediaType.Shape.TABLE) {
            object.setAll(Tables.table(definition, false, Long.toString(revision)));
        } else if (media.shape() == MediaType.Shape.PARTIAL) {
            object.put("kind", "PartialObjectMetadata").put("apiVersion", "meta.k8s.io/v1");
        }
        ObjectNode meta = Json.metadata(object);
        meta.put("resourceVersion", Long.toString(revision));
        meta.putNull("creationTimestamp");
        if (initialEnd) {
            ObjectNode empty =
                    Json.object().put("kind", definition.listKind()).put("apiVersion", definition.apiVersion());
            empty.putObject("metadata").put("resourceVersion", "");
            empty.putArray("items");
            meta.putObject("annotations")
                    .put("k8s.io/initial-events-end", "true")
                    .put(
                            "kubernetes.io/initial-events-list-blueprint",
                            Base64.getEncoder().encodeToString(Json.bytes(empty)));
        }
        byte[] json = Json.bytes(event);
        byte[] line = Arrays.copyOf(json, json.length + 1);
        line[json.length] = '\n';
        return line;
    }
}
