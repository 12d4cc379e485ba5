package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.Identity;
import dev.coppice.gateway.authentication.Outcome;
import dev.coppice.gateway.config.SecurityConfig.Method;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Asks another service about each request, as nginx's {@code auth_request} and Traefik's ForwardAuth do: a GET without a body, whose answer lets the request go
 * on when its status is 2xx, and else is the client's.
 */
final class ExternalMethod implements AccessMethod {
    private final Method.External config;
    private final @Nullable Upstream upstream;

    /** @param upstream null: the service leads nowhere */
    ExternalMethod(Method.External config, @Nullable Upstream upstream) {
        this.config = config;
        this.upstream = upstream;
    }

    @Override
    public void ask(RequestCredentials request, Consumer<Outcome> done) {
        Consumer<Outcome> told = config.failOpen()
                ? outcome -> done.accept(
                        outcome instanceof Outcome.Unavailable
                                ? new Outcome.Known(Identity.NOBODY, List.of())
                                : outcome)
                : done;
        if (upstream == null) {
            told.accept(new Outcome.Unavailable("the service that is asked does not exist"));
            return;
        }
        ExternalCall.begin(request.client().state(), upstream, this, head(request), told);
    }

    private HttpHeaders head(RequestCredentials request) {
        HttpHeaders from = request.request().headers();
        HttpHeaders to = new DefaultHttpHeaders();
        for (String each : config.requestHeaders()) {
            from.getAll(each).forEach(value -> to.add(each, value));
        }
        String host =
                from.get(HttpHeaderNames.HOST, request.target().authority().host());
        to.set(HttpHeaderNames.HOST, host);
        to.set("x-forwarded-for", request.client().address());
        to.set("x-forwarded-host", host);
        to.set("x-forwarded-method", request.request().method().name());
        to.set("x-forwarded-proto", request.client().port().secure() ? "https" : "http");
        to.set("x-forwarded-uri", request.target().path() + request.target().query());
        return to;
    }

    String path() {
        return config.path();
    }

    long timeoutMillis() {
        return config.timeoutMillis();
    }

    /** What an answer means. */
    Outcome outcome(HttpResponse head, byte[] body) {
        int status = head.status().code();
        HttpHeaders headers = head.headers();
        if (status >= 200 && status < 300) {
            String subject = config.subjectHeader() == null ? null : headers.get(config.subjectHeader());
            return new Outcome.Known(
                    new Identity("External", config.name(), subject == null ? "" : subject),
                    chosen(headers, config.backendHeaders()));
        }
        if (status >= 300 && status < 500) {
            return new Outcome.Answered(status, chosen(headers, config.clientHeaders()), body);
        }
        return new Outcome.Unavailable("the service that is asked has failed");
    }

    private static List<Outcome.Header> chosen(HttpHeaders headers, List<String> names) {
        List<Outcome.Header> all = new ArrayList<>();
        for (String name : names) {
            headers.getAll(name).forEach(value -> all.add(new Outcome.Header(name, value)));
        }
        return all;
    }

    @Override
    public List<String> owned() {
        return config.backendHeaders();
    }
}
