package dev.coppice.store.etcd;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.io.JsonEOFException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MappingIterator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Routes;
import dev.coppice.store.MemberKeyspace;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.LeaderRequest;
import dev.coppice.store.api.LeaseKeepAliveRequest;
import dev.coppice.store.api.WatchRequest;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.engine.WatchBody;
import io.grpc.Status;
import io.prometheus.metrics.expositionformats.ExpositionFormatWriter;
import io.prometheus.metrics.expositionformats.ExpositionFormats;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;

/**
 * etcd's JSON gateway: a method per path, POST, messages as proto3 JSON with the names of the definition, 64-bit numbers
 * as strings, bytes in base64. Streams are lines of {@code {"result": …}}. Beside it {@linkplain HealthChecks health checks}, {@code /version}, {@code /metrics}.
 *
 * @see <a href="https://etcd.io/docs/v3.5/dev-guide/api_grpc_gateway/">gRPC gateway</a>
 */
final class Gateway {

    private static final System.Logger LOG = System.getLogger(Gateway.class.getName());

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonFormat.Printer PRINTER =
            JsonFormat.printer().preservingProtoFieldNames().omittingInsignificantWhitespace();
    private static final JsonFormat.Parser STRICT = JsonFormat.parser();
    private static final JsonFormat.Parser LENIENT = JsonFormat.parser().ignoringUnknownFields();
    private static final String JSON_TYPE = "application/json";

    /** What Go says of JSON that ends too early. */
    private static final String CUT_SHORT = "unexpected EOF";

    private static final Set<String> STREAMS =
            Set.of("/v3/watch", "/v3/lease/keepalive", "/v3/election/observe", "/v3/maintenance/snapshot");

    /** Does a whole snapshot. */
    interface Snapshots {
        void write(SnapshotStream.Sink sink) throws Exception;
    }

    private final MemberKeyspace keyspace;
    private final Gate gate;
    private final Map<String, Method<?, ?>> byPath = new HashMap<>();
    private final Snapshots snapshots;
    private final EtcdCallMetrics calls;
    private final HealthChecks health;

    Gateway(
            MemberKeyspace keyspace,
            Gate gate,
            List<Method<?, ?>> methods,
            Snapshots snapshots,
            EtcdCallMetrics calls) {
        this.calls = calls;
        this.health = new HealthChecks(keyspace);
        this.keyspace = keyspace;
        this.gate = gate;
        this.snapshots = snapshots;
        for (Method<?, ?> method : methods) {
            byPath.put("/v3" + method.path(), method);
            if (method.path().startsWith("/lease/")) {
                byPath.put("/v3/kv" + method.path(), method);
            }
        }
    }

    void mount(Routes routes) {
        var _ = routes.mount("/v3", this::call);
        health.mount(routes);
        var _ = routes.mount(
                "/version",
                exchange -> exchange.send(
                        JSON_TYPE,
                        "{\"etcdserver\":\"" + MemberMethods.VERSION + "\",\"etcdcluster\":\""
                                + MemberMethods.CLUSTER_VERSION + "\"}"));
        var _ = routes.mount("/metrics", this::metrics);
    }

    private void metrics(Exchange exchange) throws IOException {
        try {
            Caller unused = caller(exchange, Caller.Access.KNOWN);
        } catch (StoreException e) {
            fail(exchange, e);
            return;
        }
        MetricSnapshots metrics = keyspace.store().kernel().metrics().scrape();
        try {
            metrics = EtcdMetrics.withEtcdNames(keyspace, metrics, List.of(calls.collect(), health.collect()));
        } catch (StoreException e) {
            LOG.log(System.Logger.Level.DEBUG, "the store is down: it has no metrics now", e);
        }
        ExpositionFormatWriter writer =
                ExpositionFormats.init().findWriter(exchange.header("Accept").orElse(""));
        exchange.setHeader("Content-Type", writer.getContentType());
        try (OutputStream out = exchange.stream()) {
            writer.write(out, metrics);
        }
    }

    private Caller caller(Exchange exchange, Caller.Access access) {
        String token = access == Caller.Access.OPEN
                ? null
                : exchange.header("Authorization").orElse(null);
        Caller caller = gate.identify(exchange.clientCertificates(), token);
        gate.require(caller, access);
        return caller;
    }

    // ---- calls

    private void call(Exchange exchange) throws Exception {
        try {
            Method<?, ?> method = byPath.get(exchange.path());
            if (!exchange.method().equals("POST")) {
                plain(exchange, STREAMS.contains(exchange.path()) || method != null ? 405 : 404);
            } else if (method != null) {
                unary(exchange, method);
            } else {
                stream(exchange);
            }
        } catch (StoreException e) {
            fail(exchange, e);
        } catch (UnreadableStreamException e) {
            fail(exchange, 500, Status.UNKNOWN.withDescription(String.valueOf(e.getMessage())));
        } catch (InvalidProtocolBufferException | JsonProcessingException e) {
            String text = String.valueOf(e.getMessage());
            boolean cut = text.startsWith("java.io.EOFException");
            fail(exchange, 400, Status.INVALID_ARGUMENT.withDescription(cut ? CUT_SHORT : text));
        }
    }

    private <Q extends Message, A extends Message> void unary(Exchange exchange, Method<Q, A> method)
            throws IOException {
        String body = new String(exchange.body().readAllBytes(), StandardCharsets.UTF_8);
        Q request = parse(method.empty(), body);
        A answer = method.body().call(caller(exchange, method.access()), request);
        exchange.send(JSON_TYPE, PRINTER.print(answer));
    }

    @SuppressWarnings("unchecked")
    private static <Q extends Message> Q parse(Q empty, String body) throws InvalidProtocolBufferException {
        if (body.isBlank() || body.strip().equals("null")) {
            return empty;
        }
        Message.Builder builder = empty.newBuilderForType();
        try {
            STRICT.merge(body, builder);
        } catch (InvalidProtocolBufferException e) {
            // Unknown fields are left out, as in etcd; unknown names of a value are not, though the lenient parser
            // does.
            if (String.valueOf(e.getMessage()).startsWith("Invalid enum value")) {
                throw e;
            }
            builder = empty.newBuilderForType();
            LENIENT.merge(body, builder);
        }
        return (Q) builder.build();
    }

    /** What has no path, or another method than POST, is answered in words. */
    private static void plain(Exchange exchange, int http) throws IOException {
        exchange.status(http).send("text/plain; charset=utf-8", http == 405 ? "Method Not Allowed\n" : "Not Found\n");
    }

    private void fail(Exchange exchange, StoreException error) throws IOException {
        fail(exchange, httpStatus(error.code()), error.status());
    }

    private static void fail(Exchange exchange, int http, Status status) throws IOException {
        if (exchange.committed()) {
            return;
        }
        ObjectNode body = JSON.createObjectNode()
                .put("error", status.getDescription())
                .put("message", status.getDescription())
                .put("code", status.getCode().value());
        exchange.status(http).send(JSON_TYPE, body.toString());
    }

    private static int httpStatus(Status.Code code) {
        return switch (code) {
            case OK -> 200;
            case CANCELLED -> 408;
            case INVALID_ARGUMENT, FAILED_PRECONDITION, OUT_OF_RANGE -> 400;
            case DEADLINE_EXCEEDED -> 504;
            case NOT_FOUND -> 404;
            case ALREADY_EXISTS, ABORTED -> 409;
            case PERMISSION_DENIED -> 403;
            case UNAUTHENTICATED -> 401;
            case RESOURCE_EXHAUSTED -> 429;
            case UNIMPLEMENTED -> 501;
            case UNAVAILABLE -> 503;
            case UNKNOWN, INTERNAL, DATA_LOSS -> 500;
        };
    }

    // ---- streams

    private void stream(Exchange exchange) throws Exception {
        Caller.Access access =
                exchange.path().equals("/v3/maintenance/snapshot") ? Caller.Access.ADMINISTRATOR : Caller.Access.KNOWN;
        switch (exchange.path()) {
            case "/v3/watch" -> {
                Caller caller = caller(exchange, Caller.Access.CHECKED);
                watch(exchange, caller);
            }
            case "/v3/lease/keepalive" -> {
                Caller unused = caller(exchange, access);
                keepAlive(exchange);
            }
            case "/v3/election/observe" -> observe(exchange, caller(exchange, access));
            case "/v3/maintenance/snapshot" -> {
                Caller unused = caller(exchange, access);
                Lines lines = new Lines(exchange);
                snapshots.write(lines::write);
                lines.close();
            }
            default -> plain(exchange, 404);
        }
    }

    /** Answers of a stream, a line each. */
    private static final class Lines implements WatchStream.Sink {
        private final OutputStream out;
        private final CountDownLatch broken = new CountDownLatch(1);

        Lines(Exchange exchange) throws IOException {
            out = exchange.setHeader("Content-Type", JSON_TYPE).stream();
            out.flush();
        }

        @Override
        public void send(WatchBody body, long[] watches) throws IOException {
            for (long each : watches) {
                write(body.response(each));
            }
        }

        @Override
        public void sendLast(WatchBody body, long watch) throws IOException {
            write(body.response(watch));
        }

        @Override
        public void fail(StoreException why) {
            broken.countDown();
        }

        synchronized void write(Message message) throws IOException {
            try {
                out.write(("{\"result\":" + PRINTER.print(message) + "}\n").getBytes(StandardCharsets.UTF_8));
                out.flush();
            } catch (IOException e) {
                broken.countDown();
                throw e;
            }
        }

        synchronized void close() throws IOException {
            out.close();
        }
    }

    /** What a stream was sent is no JSON: then etcd tells it as an error of the server. */
    private static final class UnreadableStreamException extends Exception {
        UnreadableStreamException(JsonProcessingException cause) {
            super(cause instanceof JsonEOFException ? CUT_SHORT : cause.getOriginalMessage(), cause);
        }
    }

    private static List<JsonNode> requests(Exchange exchange) throws IOException, UnreadableStreamException {
        List<JsonNode> requests = new ArrayList<>();
        try (MappingIterator<JsonNode> values = JSON.readerFor(JsonNode.class).readValues(exchange.body())) {
            while (values.hasNextValue()) {
                requests.add(values.nextValue());
            }
        } catch (JsonProcessingException e) {
            throw new UnreadableStreamException(e);
        }
        return requests;
    }

    private void watch(Exchange exchange, Caller caller) throws Exception {
        List<WatchRequest> requests = new ArrayList<>();
        for (JsonNode each : requests(exchange)) {
            requests.add(parse(WatchRequest.getDefaultInstance(), each.toString()));
        }
        Lines lines = new Lines(exchange);
        WatchStream stream = new WatchStream(keyspace, gate, () -> caller, lines);
        try {
            requests.forEach(stream::request);
            lines.broken.await();
        } finally {
            stream.close();
        }
    }

    private void keepAlive(Exchange exchange) throws Exception {
        List<JsonNode> requests = requests(exchange);
        Lines lines = new Lines(exchange);
        for (JsonNode each : requests) {
            lines.write(keyspace.keepAlive(parse(LeaseKeepAliveRequest.getDefaultInstance(), each.toString())));
        }
        lines.close();
    }

    private void observe(Exchange exchange, Caller caller) throws Exception {
        List<JsonNode> requests = requests(exchange);
        if (requests.isEmpty()) {
            throw Errors.emptyKey();
        }
        LeaderRequest request =
                parse(LeaderRequest.getDefaultInstance(), requests.getFirst().toString());
        ElectionObserver observer = new ElectionObserver(keyspace, gate, caller, request.getName());
        Lines lines = new Lines(exchange);
        List<Runnable> ends = new ArrayList<>();
        observer.start(lines::write, ends::add);
        try {
            lines.broken.await();
        } finally {
            ends.forEach(Runnable::run);
        }
    }
}
