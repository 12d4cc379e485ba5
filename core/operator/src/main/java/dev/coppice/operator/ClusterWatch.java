package dev.coppice.operator;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.ResourceClient.EventType;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.ResourceClient.Watch;
import dev.coppice.control.ResourceClient.WatchObserver;
import dev.coppice.control.request.Json;
import dev.coppice.kernel.Timers;
import dev.coppice.operator.ClusterConnection.Call;
import io.fabric8.kubernetes.client.http.AsyncBody;
import io.fabric8.kubernetes.client.http.HttpResponse;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One watch: a stream of lines, each an event. The server is asked to end it after five to ten minutes; when it has not by
 * some time after, the connection is taken for dead. The observer is called by one thread at a time, and never after
 * {@code closed}. Safe for use by many threads.
 */
final class ClusterWatch implements Watch {
    private static final int LONGEST_LINE = 16 << 20;
    private static final int SHORTEST_SECONDS = 300;
    private static final Duration GRACE = Duration.ofSeconds(30);

    private final ClusterConnection connection;
    private final WatchObserver observer;
    private final String target;
    private final Duration longest;
    private final ByteArrayOutputStream line = new ByteArrayOutputStream(1_024);
    private Timers.@Nullable Timer timer;
    private @Nullable AsyncBody body;
    private boolean ended;
    private int code;

    ClusterWatch(ClusterConnection connection, ResourceType type, Query query, String from, WatchObserver observer) {
        this.connection = connection;
        this.observer = observer;
        int seconds = SHORTEST_SECONDS
                + (int) (SHORTEST_SECONDS * connection.kernel().random().nextDouble());
        this.longest = Duration.ofSeconds(seconds).plus(GRACE);
        this.target = ClusterPaths.collection(type, query.namespace()) + "?watch=true&allowWatchBookmarks=true"
                + "&timeoutSeconds=" + seconds + ClusterPaths.parameter("resourceVersion", from)
                + ClusterPaths.selectors(query);
    }

    void start() {
        connection.metrics().watches.inc();
        synchronized (this) {
            timer = connection.kernel().timers().schedule(ClusterConnection.REQUEST_LIMIT, this::silent);
        }
        var unused = connection
                .http()
                .consumeBytes(connection.request(Call.get("watch", target)), this::received)
                .whenComplete(this::opened);
    }

    private void opened(@Nullable HttpResponse<AsyncBody> response, @Nullable Throwable failure) {
        if (response == null) {
            connection.metrics().requests.labelValues("GET", "<error>").inc();
            end("error", connection.unreachable(failure == null ? new IllegalStateException("no answer") : failure));
            return;
        }
        AsyncBody stream = response.body();
        connection
                .metrics()
                .requests
                .labelValues("GET", Integer.toString(response.code()))
                .inc();
        synchronized (this) {
            code = response.code();
            if (ended) {
                stream.cancel();
                return;
            }
            body = stream;
            if (timer != null) {
                timer.cancel();
            }
            timer = connection.kernel().timers().schedule(longest, this::silent);
        }
        var unused = stream.done().whenComplete((_, broken) -> finished(broken));
        stream.consume();
    }

    /** Takes bytes of the stream apart into lines; asks for more once they were told. */
    private void received(List<ByteBuffer> buffers, AsyncBody stream) {
        synchronized (this) {
            for (ByteBuffer buffer : buffers) {
                byte[] chunk = new byte[buffer.remaining()];
                buffer.get(chunk);
                split(chunk);
            }
            if (ended) {
                return;
            }
        }
        stream.consume();
    }

    private void split(byte[] chunk) {
        int start = 0;
        for (int i = 0; i < chunk.length && code == 200 && !ended; i++) {
            if (chunk[i] == '\n') {
                line.write(chunk, start, i - start);
                start = i + 1;
                told();
            }
        }
        if (line.size() + chunk.length - start > LONGEST_LINE) {
            end(
                    "error",
                    ClusterConnection.unavailable(
                            "an event of " + target + " is longer than " + LONGEST_LINE + " bytes"));
        } else if (!ended) {
            line.write(chunk, start, chunk.length - start);
        }
    }

    private void told() {
        byte[] bytes = line.toByteArray();
        line.reset();
        if (bytes.length == 0) {
            return;
        }
        ObjectNode event;
        EventType type;
        try {
            event = Json.parse(bytes);
            String word = event.path("type").asText("");
            if (word.equals("ERROR")) {
                end(
                        "error",
                        ClusterConnection.refusal(
                                event.path("object").path("code").asInt(500), Json.bytes(event.path("object"))));
                return;
            }
            type = EventType.valueOf(word);
        } catch (RuntimeException e) {
            end("error", ClusterConnection.unavailable("an event of " + target + " cannot be read: " + e.getMessage()));
            return;
        }
        if (event.get("object") instanceof ObjectNode object) {
            observer.event(type, object);
        }
    }

    private void finished(@Nullable Throwable broken) {
        byte[] left;
        synchronized (this) {
            left = line.toByteArray();
        }
        if (code != 200) {
            end("error", ClusterConnection.refusal(code, left));
        } else if (broken != null) {
            end("error", connection.unreachable(broken));
        } else {
            end("server", null);
        }
    }

    private void silent() {
        end(
                "silent",
                ClusterConnection.unavailable("the watch " + target + " of " + connection.server()
                        + " was silent beyond its end; its connection is taken for dead"));
    }

    @Override
    public void close() {
        end("closed", null);
    }

    private void end(String why, @Nullable ApiException error) {
        synchronized (this) {
            if (ended) {
                return;
            }
            ended = true;
            if (timer != null) {
                timer.cancel();
            }
            if (body != null) {
                body.cancel();
            }
            connection.metrics().watches.dec();
            connection.metrics().watchEnds.labelValues(why).inc();
            if (!why.equals("closed")) {
                observer.closed(error);
            }
        }
    }
}
