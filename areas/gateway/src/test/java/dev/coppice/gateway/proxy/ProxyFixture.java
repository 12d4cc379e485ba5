package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.LimitConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.SecurityConfig;
import dev.coppice.gateway.config.UpstreamConfig;
import dev.coppice.gateway.resilience.UpstreamReading;
import dev.coppice.kernel.FreePorts;
import dev.coppice.kernel.Kernel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;

/** A data plane on a free port, and raw clients for it. */
final class ProxyFixture implements AutoCloseable {
    final Kernel kernel = Kernel.start();
    final ProxyDataPlane plane;
    final int port;

    ProxyFixture(ProxyOptions options) throws Exception {
        plane = new ProxyDataPlane(kernel, kernel.root(), options);
        port = FreePorts.next();
    }

    ProxyFixture() throws Exception {
        this(ProxyOptions.DEFAULT.withLoops(2));
    }

    static UpstreamConfig upstream(String name, int... ports) {
        return new UpstreamConfig(
                name,
                UpstreamConfig.Protocol.HTTP,
                Arrays.stream(ports)
                        .mapToObj(each -> new UpstreamConfig.Endpoint("127.0.0.1", each))
                        .toList());
    }

    static RuleConfig rule(String upstream, FilterConfig... filters) {
        return new RuleConfig(
                List.of(MatchConfig.ANY), List.of(filters), List.of(new BackendConfig(upstream, 1, List.of())));
    }

    /** Serves these rules for every host name. */
    void serve(List<RuleConfig> rules, UpstreamConfig... upstreams) {
        RouteConfig route = new RouteConfig("HTTPRoute", "default", "route", 0, List.of(), rules);
        serveRoutes(List.of(route), upstreams);
    }

    void serveRoutes(List<RouteConfig> routes, UpstreamConfig... upstreams) {
        serveRoutes(List.of(), routes, upstreams);
    }

    void serveRoutes(List<LimitConfig> limits, List<RouteConfig> routes, UpstreamConfig... upstreams) {
        serveRoutes(limits, List.of(), routes, upstreams);
    }

    void serveRoutes(
            List<LimitConfig> limits,
            List<SecurityConfig> security,
            List<RouteConfig> routes,
            UpstreamConfig... upstreams) {
        ListenerConfig listener = new ListenerConfig(
                "default/gateway", "http", "127.0.0.1", port, ListenerConfig.Protocol.HTTP, "", null, routes);
        var failures = plane.apply(new GatewayConfig.Builder(List.of(listener), List.of(upstreams))
                .limits(limits)
                .security(security)
                .build());
        if (!failures.isEmpty()) {
            throw new AssertionError(failures.toString());
        }
    }

    /** A raw connection to the data plane. */
    Client client() throws IOException {
        return new Client(port);
    }

    /** Sends bytes on a connection of its own and reads until it ends. */
    String exchange(String sent) throws IOException {
        try (Client client = client()) {
            client.send(sent);
            return client.rest();
        }
    }

    /** A GET on a connection of its own, which closes after it. */
    String get(String target, String... headers) throws IOException {
        String more = Arrays.stream(headers).map(each -> each + "\r\n").collect(Collectors.joining());
        return exchange("GET " + target + " HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n" + more + "\r\n");
    }

    static void await(BooleanSupplier condition) {
        long end = System.nanoTime() + 20_000_000_000L;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() > end) {
                throw new AssertionError("it did not come true within 20 s");
            }
            java.util.concurrent.locks.LockSupport.parkNanos(2_000_000);
        }
    }

    /** Nothing is left of any client or request, nor of what they had of the bounds of upstreams. */
    void awaitNothingOpen() {
        await(() -> plane.open().clients() == 0 && plane.open().exchanges() == 0);
        await(() -> plane.upstreams().stream().allMatch(UpstreamReading::idle));
    }

    @Override
    public void close() {
        kernel.close();
        List<String> leaks = BufferLeaks.found();
        if (!leaks.isEmpty()) {
            throw new AssertionError("buffers were not released: " + leaks);
        }
    }

    /** A client that says exactly what it is told to. */
    static final class Client implements AutoCloseable {
        private final Socket socket;
        private final InputStream in;

        Client(int port) throws IOException {
            socket = new Socket(InetAddress.getLoopbackAddress(), port);
            socket.setSoTimeout(20_000);
            in = socket.getInputStream();
        }

        void send(String bytes) throws IOException {
            socket.getOutputStream().write(bytes.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().flush();
        }

        String rest() throws IOException {
            return new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
        }

        /** A line without its end. */
        String line() throws IOException {
            ByteArrayOutputStream line = new ByteArrayOutputStream();
            for (int read = in.read(); read != '\n'; read = in.read()) {
                if (read < 0) {
                    throw new IOException("the connection ended after \"" + line + "\"");
                }
                if (read != '\r') {
                    line.write(read);
                }
            }
            return line.toString(StandardCharsets.ISO_8859_1);
        }

        /** The lines of a head. */
        List<String> head() throws IOException {
            List<String> lines = new ArrayList<>();
            for (String line = line(); !line.isEmpty(); line = line()) {
                lines.add(line);
            }
            return lines;
        }

        String bytes(int count) throws IOException {
            return new String(in.readNBytes(count), StandardCharsets.ISO_8859_1);
        }

        /** An answer with a Content-Length: its status line, and its body. */
        String answer() throws IOException {
            List<String> head = head();
            int length = head.stream()
                    .filter(each -> each.toLowerCase(java.util.Locale.ROOT).startsWith("content-length:"))
                    .mapToInt(each -> Integer.parseInt(each.substring(15).trim()))
                    .findFirst()
                    .orElse(0);
            return head.getFirst() + "|" + bytes(length);
        }

        /** Resets the connection. */
        void reset() throws IOException {
            socket.setSoLinger(true, 0);
            socket.close();
        }

        @Override
        public void close() throws IOException {
            socket.close();
        }
    }
}
