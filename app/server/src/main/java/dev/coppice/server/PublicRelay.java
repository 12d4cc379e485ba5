package dev.coppice.server;

import com.google.protobuf.ByteString;
import dev.coppice.serving.BodyTooLargeException;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.HttpListener;
import dev.coppice.serving.RelayedRequest;
import dev.coppice.serving.Routes;
import dev.coppice.store.StoreException;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.wire.AskRequest;
import dev.coppice.store.wire.Header;
import dev.coppice.store.wire.RelayAnswer;
import dev.coppice.store.wire.RelayQuestion;
import io.grpc.Status.Code;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Answers on every node of a cluster what an area serves without login on the leader's node only, such as status pages: other
 * nodes pass such requests on to it, over the connection that nodes have anyway. Safe for use by many threads.
 */
final class PublicRelay implements Standby {

    /** Headers that are passed on; the areas look at no others without login. */
    private static final List<String> PASSED =
            List.of("accept", "content-type", "if-none-match", "x-heartbeat-token", "user-agent");

    /** Marks what was passed on once. */
    private static final String RELAYED = "coppice-relayed";

    private static final int MAX_REQUEST_BYTES = 64 << 10;
    private static final int MAX_ANSWER_BYTES = 3 << 20;

    private final NodeCluster nodes;
    private final HttpListener listener;
    private final List<String> prefixes;
    private final List<Routes.Mount> mounts = new ArrayList<>();

    /** @param prefixes what is served on the leader's node only */
    PublicRelay(NodeCluster nodes, HttpListener listener, List<String> prefixes) {
        this.nodes = nodes;
        this.listener = listener;
        this.prefixes = List.copyOf(prefixes);
        nodes.onRelay(this::answer);
    }

    /** From now on this node passes on. */
    @Override
    public synchronized void open() {
        if (mounts.isEmpty()) {
            prefixes.forEach(prefix -> mounts.add(listener.routes().mount(prefix, this::passOn)));
        }
    }

    /** From now on it answers itself. */
    @Override
    public synchronized void close() {
        mounts.forEach(Routes.Mount::close);
        mounts.clear();
    }

    private void passOn(Exchange exchange) throws IOException {
        if (exchange.header(RELAYED).isPresent()) {
            refuse(exchange, "it was passed on already");
            return;
        }
        byte[] body = exchange.body().readNBytes(MAX_REQUEST_BYTES + 1);
        if (body.length > MAX_REQUEST_BYTES) {
            throw new BodyTooLargeException(MAX_REQUEST_BYTES);
        }
        RelayQuestion.Builder question = RelayQuestion.newBuilder()
                .setMethod(exchange.method())
                .setTarget(exchange.rawPath() + (exchange.rawQuery().isEmpty() ? "" : "?" + exchange.rawQuery()))
                .setBody(ByteString.copyFrom(body))
                .setRemoteAddress(exchange.remoteAddress())
                .addHeaders(Header.newBuilder().setName(RELAYED).addValues("1"));
        for (String name : PASSED) {
            List<String> values = exchange.headers(name);
            if (!values.isEmpty()) {
                question.addHeaders(Header.newBuilder().setName(name).addAllValues(values));
            }
        }
        try {
            RelayAnswer answer = nodes.askLeader(
                            AskRequest.newBuilder().setRelay(question).build())
                    .getRelay();
            exchange.status(answer.getStatus());
            for (Header header : answer.getHeadersList()) {
                header.getValuesList().forEach(value -> exchange.addHeader(header.getName(), value));
            }
            exchange.send(answer.getBody().toByteArray());
        } catch (StoreException e) {
            refuse(exchange, String.valueOf(e.getMessage()));
        }
    }

    private static void refuse(Exchange exchange, String why) throws IOException {
        exchange.status(503)
                .setHeader("Retry-After", "2")
                .send(
                        "text/plain; charset=utf-8",
                        "503 no node of the cluster answers this now (" + why + "); try again\n");
    }

    private synchronized boolean passesOn() {
        return !mounts.isEmpty();
    }

    /** On the leader's node. */
    private RelayAnswer answer(RelayQuestion question) {
        if (passesOn()) {
            throw Errors.noLeader();
        }
        Map<String, List<String>> headers = new HashMap<>();
        question.getHeadersList()
                .forEach(each ->
                        headers.put(each.getName().toLowerCase(Locale.ROOT), List.copyOf(each.getValuesList())));
        try {
            RelayedRequest.Answer answer = listener.relay(new RelayedRequest(
                            question.getMethod(),
                            question.getTarget(),
                            headers,
                            question.getBody().toByteArray(),
                            question.getRemoteAddress()))
                    // The area is still being started here.
                    .orElseThrow(Errors::noLeader);
            if (answer.body().length > MAX_ANSWER_BYTES) {
                throw new StoreException(Code.RESOURCE_EXHAUSTED, "the answer is larger than " + MAX_ANSWER_BYTES);
            }
            RelayAnswer.Builder told =
                    RelayAnswer.newBuilder().setStatus(answer.status()).setBody(ByteString.copyFrom(answer.body()));
            answer.headers()
                    .forEach((name, values) ->
                            told.addHeaders(Header.newBuilder().setName(name).addAllValues(values)));
            return told.build();
        } catch (StoreException e) {
            throw e;
        } catch (Exception e) {
            throw new StoreException(Code.INTERNAL, "the leader's node failed: " + e.getMessage(), e);
        }
    }
}
