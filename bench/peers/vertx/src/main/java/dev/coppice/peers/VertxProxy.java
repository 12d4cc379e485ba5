package dev.coppice.peers;

import io.vertx.core.AbstractVerticle;
import io.vertx.core.Promise;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.PoolOptions;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.handler.LoggerFormat;
import io.vertx.ext.web.handler.LoggerHandler;
import io.vertx.ext.web.proxy.handler.ProxyHandler;
import io.vertx.httpproxy.ForwardedHeadersOptions;
import io.vertx.httpproxy.HttpProxy;
import io.vertx.httpproxy.ProxyOptions;

/** Vert.x HTTP Proxy as a reverse proxy with an access log, on one event loop. Arguments: its port and the backend's. */
public final class VertxProxy extends AbstractVerticle {
    private final int port;
    private final int backend;

    private VertxProxy(int port, int backend) {
        this.port = port;
        this.backend = backend;
    }

    @Override
    public void start(Promise<Void> started) {
        // One connection to the backend for each of the clients' at most, kept.
        HttpClientOptions options =
                new HttpClientOptions().setConnectTimeout(5_000).setKeepAliveTimeout(60);
        // X-Forwarded-For and nothing else, as nginx adds it.
        ForwardedHeadersOptions forwarded = new ForwardedHeadersOptions()
                .setEnabled(true)
                .setForwardHost(false)
                .setForwardPort(false)
                .setForwardProto(false);
        HttpProxy proxy = HttpProxy.reverseProxy(
                new ProxyOptions().setForwardedHeadersOptions(forwarded),
                vertx.createHttpClient(options, new PoolOptions().setHttp1MaxSize(512)));
        proxy.origin(backend, "127.0.0.1");
        Router router = Router.router(vertx);
        router.route("/files/*")
                .handler(LoggerHandler.create(LoggerFormat.DEFAULT))
                .handler(ProxyHandler.create(proxy));
        vertx.createHttpServer()
                .requestHandler(router)
                .listen(port, "127.0.0.1")
                .<Void>mapEmpty()
                .onComplete(started);
    }

    public static void main(String[] arguments) {
        Vertx vertx =
                Vertx.vertx(new VertxOptions().setPreferNativeTransport(true).setEventLoopPoolSize(1));
        if (!vertx.isNativeTransportEnabled()) {
            System.err.println("Without epoll, which this peer is to have: " + vertx.unavailableNativeTransportCause());
            System.exit(1);
        }
        vertx.deployVerticle(new VertxProxy(Integer.parseInt(arguments[0]), Integer.parseInt(arguments[1])))
                .onFailure(e -> {
                    e.printStackTrace();
                    System.exit(1);
                });
    }
}
