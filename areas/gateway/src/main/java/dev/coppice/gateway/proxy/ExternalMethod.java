package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.Identity;
import dev.coppice.gateway.authentication.Outcome;
import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.gateway.config.SecurityConfig.SeenBody;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Asks another service about each request. */
final class ExternalMethod implements AccessMethod {
    /** Whether the service sees a part of the body only, as Envoy calls it. */
    static final String PARTIAL = "x-envoy-auth-partial-body";

    /** In place of headers' names: all of them. */
    static final String ALL = "*";

    private static final Outcome.Answered TOO_LARGE = new Outcome.Answered(
            HttpResponseStatus.REQUEST_ENTITY_TOO_LARGE.code(),
            List.of(new Outcome.Header("Content-Type", "text/plain; charset=utf-8")),
            "the request's body is too large\n".getBytes(StandardCharsets.US_ASCII));

    private final Method.External config;
    private final ExternalProtocol protocol;
    private final @Nullable Upstream upstream;

    /** @param upstream null: the service leads nowhere */
    ExternalMethod(Method.External config, @Nullable Upstream upstream) {
        this.config = config;
        this.protocol = config.grpc() ? new EnvoyAuthorization(config) : new ForwardAuth(config);
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
        Upstream asked = upstream;
        if (asked == null) {
            told.accept(new Outcome.Unavailable("the service that is asked does not exist"));
            return;
        }
        SeenBody seen = config.body();
        if (seen == null) {
            call(asked, request, new byte[0], false, told);
            return;
        }
        if (!seen.allowPartial() && HttpUtil.getContentLength(request.request(), 0L) > seen.maxBytes()) {
            told.accept(TOO_LARGE);
            return;
        }
        // One byte more tells that there are too many.
        request.body().await(request.request(), request.client(), seen.maxBytes() + 1, () -> {
            boolean partial = request.body().longerThan(seen.maxBytes());
            if (partial && !seen.allowPartial()) {
                told.accept(TOO_LARGE);
            } else {
                call(asked, request, request.body().beginning(seen.maxBytes()), partial, told);
            }
        });
    }

    private void call(
            Upstream asked, RequestCredentials request, byte[] seen, boolean partial, Consumer<Outcome> told) {
        ExternalCall.begin(
                request, asked, protocol, protocol.question(request, seen, partial), config.timeoutMillis(), told);
    }

    /** Whether the service is to see a header. */
    static boolean sees(Method.External config, String header) {
        return config.requestHeaders().stream().anyMatch(each -> each.equals(ALL) || each.equalsIgnoreCase(header));
    }

    /** The headers of a request that the service is to see; the host, if it is, is the one by which the request was routed. */
    static HttpHeaders seen(Method.External config, RequestCredentials request) {
        HttpHeaders from = request.request().headers();
        HttpHeaders to = new DefaultHttpHeaders();
        if (config.requestHeaders().contains(ALL)) {
            for (Map.Entry<String, String> each : from) {
                to.add(each.getKey(), each.getValue());
            }
        } else {
            for (String each : config.requestHeaders()) {
                from.getAll(each).forEach(value -> to.add(each, value));
            }
            // It says which others are for one connection.
            from.getAll(HttpHeaderNames.CONNECTION).forEach(value -> to.add(HttpHeaderNames.CONNECTION, value));
        }
        HopByHop.strip(to);
        // They are those of the request's body.
        to.remove(HttpHeaderNames.CONTENT_LENGTH).remove(HttpHeaderNames.TRANSFER_ENCODING);
        to.remove(HttpHeaderNames.EXPECT);
        if (to.contains(HttpHeaderNames.HOST)) {
            to.set(HttpHeaderNames.HOST, request.host());
        }
        return to;
    }

    @Override
    public List<String> owned() {
        String subject = config.subjectHeader();
        if (!config.grpc() || subject == null) {
            return config.backendHeaders();
        }
        // The service may add to what is there: nobody else is to say who it is.
        List<String> all = new ArrayList<>(config.backendHeaders());
        all.add(subject.toLowerCase(Locale.ROOT));
        return all;
    }
}
