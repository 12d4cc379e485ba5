package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.CheckMessages;
import dev.coppice.gateway.authentication.CheckMessages.Peer;
import dev.coppice.gateway.authentication.Identity;
import dev.coppice.gateway.authentication.Outcome;
import dev.coppice.gateway.config.SecurityConfig.Method;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * As Envoy asks ({@code envoy.service.auth.v3.Authorization/Check}, by gRPC over HTTP/2): servers made for it need not be changed. Dynamic metadata
 * of answers is what is known of the client, as the claims of a token are. Changes of queries are not looked at.
 */
record EnvoyAuthorization(Method.External config) implements ExternalProtocol {
    @Override
    public Question question(RequestCredentials request, byte[] seen, boolean partial) {
        byte[] message = CheckMessages.framed(CheckMessages.write(asked(request, seen, partial)));
        HttpHeaders to = new DefaultHttpHeaders();
        // Whatever name it is asked by: the service is not that of the request.
        to.set(HttpHeaderNames.HOST, "authorization");
        to.set(HttpHeaderNames.TE, "trailers");
        to.set(HttpHeaderNames.CONTENT_TYPE, "application/grpc");
        to.set("grpc-timeout", config.timeoutMillis() + "m");
        return new Question(
                new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.POST, CheckMessages.PATH, to), message);
    }

    private CheckMessages.Request asked(RequestCredentials request, byte[] seen, boolean partial) {
        HttpHeaders from = request.request().headers();
        ClientStream client = request.client();
        String target = request.target().path() + request.target().query();
        String host = request.host();
        String scheme = client.port().secure() ? "https" : "http";
        Map<String, String> headers = new TreeMap<>();
        for (Map.Entry<String, String> each : ExternalMethod.seen(config, request)) {
            headers.merge(each.getKey().toLowerCase(Locale.ROOT), each.getValue(), (a, b) -> a + "," + b);
        }
        // As the backend will get them: those of the client are not to be believed.
        show(headers, "x-forwarded-for", ForwardedRequest.addresses(from, client));
        show(headers, "x-forwarded-host", host);
        show(headers, "x-forwarded-proto", scheme);
        if (config.requestHeaders().contains(ExternalMethod.ALL)) {
            headers.remove("host");
            headers.put(":authority", host);
            headers.put(":method", request.request().method().name());
            headers.put(":path", target);
            headers.put(":scheme", scheme);
        }
        if (config.body() != null) {
            headers.put(ExternalMethod.PARTIAL, Boolean.toString(partial));
        }
        String length = from.get(HttpHeaderNames.CONTENT_LENGTH);
        return new CheckMessages.Request(
                new Peer(client.address(), 0),
                new Peer(client.port().binding().address(), client.port().number()),
                client.state().plane.clock.currentTimeMillis(),
                request.request().method().name(),
                target,
                host,
                scheme,
                client instanceof Http2ClientStream
                        ? "HTTP/2"
                        : request.request().protocolVersion().text(),
                headers,
                config.body() == null ? null : seen,
                size(request, length));
    }

    private void show(Map<String, String> headers, String name, String value) {
        if (ExternalMethod.sees(config, name)) {
            headers.put(name, value);
        }
    }

    private static long size(RequestCredentials request, @Nullable String length) {
        if (request.body().bodiless()) {
            return 0;
        }
        try {
            return length == null ? -1 : Long.parseLong(length);
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    @Override
    public Outcome outcome(RequestCredentials request, HttpResponse head, byte[] body, HttpHeaders trailers) {
        if (status(head, trailers) != 200) {
            return failed(head, body, "the service that is asked has failed");
        }
        try {
            return outcome(request, CheckMessages.read(CheckMessages.unframed(body)));
        } catch (IOException e) {
            return failed(head, body, "the service that is asked gives no answer that can be read");
        }
    }

    private Outcome failed(HttpResponse head, byte[] body, String why) {
        Outcome refusal = refusal(head, body);
        return refusal == null ? new Outcome.Unavailable(why) : refusal;
    }

    @Override
    public Outcome.@Nullable Answered refusal(HttpResponse head, byte[] beginning) {
        return head.status().code() == 200 && CheckMessages.refuses(beginning)
                ? new Outcome.Answered(403, List.of(), new byte[0])
                : null;
    }

    private Outcome outcome(RequestCredentials request, CheckMessages.Response response) {
        if (!response.allowed()) {
            // There is no answer yet that they could change.
            List<Outcome.Header> all = response.headers().stream()
                    .map(each -> new Outcome.Header(each.name(), each.value()))
                    .toList();
            return new Outcome.Answered(response.status(), all, response.body());
        }
        List<Outcome.Header> headers = CheckMessages.applied(
                response.headers(), name -> request.request().headers().getAll(name));
        String wanted = config.subjectHeader();
        // What the service itself has said, and not what it has added to.
        String subject = CheckMessages.applied(response.headers(), _ -> List.of()).stream()
                .filter(each -> each.name().equalsIgnoreCase(wanted))
                .map(Outcome.Header::value)
                .findFirst()
                .orElse("");
        return new Outcome.Known(
                new Identity("External", config.name(), subject, response.metadata()),
                headers,
                response.removed(),
                response.toClient());
    }

    @Override
    public int status(HttpResponse head, HttpHeaders trailers) {
        if (head.status().code() != 200) {
            return head.status().code();
        }
        int own = GrpcStatus.http(trailers);
        int early = own == 0 ? GrpcStatus.http(head.headers()) : own;
        return early == 0 ? 500 : early;
    }
}
