package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.Identity;
import dev.coppice.gateway.authentication.Outcome;
import dev.coppice.gateway.config.SecurityConfig.Method;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpVersion;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * As nginx's {@code auth_request} and Traefik's ForwardAuth ask: a GET without a body, or a POST with the request's, whose answer lets the request go
 * on when its status is 2xx, and else is the client's.
 */
record ForwardAuth(Method.External config) implements ExternalProtocol {

    @Override
    public Question question(RequestCredentials request, byte[] seen, boolean partial) {
        HttpHeaders from = request.request().headers();
        HttpHeaders to = ExternalMethod.seen(config, request);
        String host = request.host();
        to.set(HttpHeaderNames.HOST, host);
        to.set("x-forwarded-for", request.client().address());
        to.set("x-forwarded-host", host);
        to.set("x-forwarded-method", request.request().method().name());
        to.set("x-forwarded-proto", request.client().port().secure() ? "https" : "http");
        to.set("x-forwarded-uri", request.target().path() + request.target().query());
        if (seen.length > 0) {
            String type = from.get(HttpHeaderNames.CONTENT_TYPE);
            if (type != null) {
                to.set(HttpHeaderNames.CONTENT_TYPE, type);
            }
            to.set(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(seen.length));
            to.set(ExternalMethod.PARTIAL, Boolean.toString(partial));
        }
        HttpMethod method = seen.length > 0 ? HttpMethod.POST : HttpMethod.GET;
        return new Question(new DefaultHttpRequest(HttpVersion.HTTP_1_1, method, config.path(), to), seen);
    }

    @Override
    public Outcome outcome(RequestCredentials request, HttpResponse head, byte[] body, HttpHeaders trailers) {
        int status = head.status().code();
        HttpHeaders headers = head.headers();
        if (status >= 200 && status < 300) {
            String subject = config.subjectHeader() == null ? null : headers.get(config.subjectHeader());
            return new Outcome.Known(
                    new Identity("External", config.name(), subject == null ? "" : subject),
                    chosen(headers, config.backendHeaders()));
        }
        if (status >= 300 && status < 500) {
            return refused(head, body);
        }
        return new Outcome.Unavailable("the service that is asked has failed");
    }

    private Outcome.Answered refused(HttpResponse head, byte[] body) {
        return new Outcome.Answered(head.status().code(), chosen(head.headers(), config.clientHeaders()), body);
    }

    @Override
    public Outcome.@Nullable Answered refusal(HttpResponse head, byte[] beginning) {
        int status = head.status().code();
        return status >= 300 && status < 500 ? refused(head, new byte[0]) : null;
    }

    private static List<Outcome.Header> chosen(HttpHeaders headers, List<String> names) {
        List<Outcome.Header> all = new ArrayList<>();
        for (String name : names) {
            headers.getAll(name).forEach(value -> all.add(new Outcome.Header(name, value)));
        }
        return all;
    }

    @Override
    public int status(HttpResponse head, HttpHeaders trailers) {
        return head.status().code();
    }
}
