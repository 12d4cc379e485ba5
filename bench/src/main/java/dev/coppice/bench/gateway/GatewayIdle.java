package dev.coppice.bench.gateway;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.net.SocketFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/**
 * Memory of a proxy for a connection that has had one request and waits for the next. The figure is what the process grows by, divided by the
 * connections. Coppice's heap is resident from the start, so that what lives in it after a collection is counted instead.
 */
public final class GatewayIdle {
    private static final int ROUNDS = 3;
    private static final int WARM_UP = 200;
    private static final int ROUTES = 100;

    private GatewayIdle() {}

    public static void main(String[] arguments) throws Exception {
        int plain = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 4000;
        int secure = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 1000;
        measure("HTTP", plain);
        measure("TLS", secure);
    }

    /** Processes of its own: allocators keep what closed connections gave back. */
    private static void measure(String mode, int connections) throws Exception {
        try (Testbed bed = Testbed.open()) {
            measure(bed.proxies(ROUTES, "-Xms512m", "-XX:+AlwaysPreTouch"), mode, connections);
        }
    }

    private static void measure(List<Testbed.Proxy> proxies, String mode, int connections) throws Exception {
        for (Testbed.Proxy each : proxies) {
            List<Socket> open = new ArrayList<>();
            try {
                // Code, tables and pools are not what a connection takes.
                open(open, each, mode, WARM_UP);
                long[] rounds = new long[ROUNDS];
                long first = memory(each);
                long before = first;
                for (int round = 0; round < ROUNDS; round++) {
                    // Those of earlier rounds stay.
                    open(open, each, mode, connections);
                    long after = memory(each);
                    rounds[round] = (after - before) / connections;
                    before = after;
                }
                // Allocators take memory in steps that are larger than a round may need, so one round says little.
                System.out.printf(
                        "{\"bench\":\"gateway-idle\",\"proxy\":\"%s\",\"mode\":\"%s\",\"connections\":%d,\"bytes\":%d,\"rounds\":%s}%n",
                        each.name(),
                        mode,
                        ROUNDS * connections,
                        (before - first) / connections / ROUNDS,
                        Arrays.toString(rounds));
            } finally {
                for (Socket socket : open) {
                    socket.close();
                }
            }
        }
    }

    private static void open(List<Socket> open, Testbed.Proxy proxy, String mode, int connections) throws Exception {
        SocketFactory factory = mode.equals("TLS") ? trusting().getSocketFactory() : SocketFactory.getDefault();
        int port = mode.equals("TLS") ? proxy.secure() : proxy.plain();
        for (int i = 0; i < connections; i++) {
            Socket socket = factory.createSocket(InetAddress.getLoopbackAddress(), port);
            open.add(socket);
            ask(socket);
        }
    }

    private static void ask(Socket socket) throws IOException {
        socket.setSoTimeout(20_000);
        socket.getOutputStream()
                .write(("GET " + Testbed.FILE + " HTTP/1.1\r\nHost: " + Testbed.host(ROUTES) + "\r\n\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
        InputStream in = socket.getInputStream();
        byte[] bytes = new byte[4096];
        // The body is the only place with so many of them.
        int seen = 0;
        while (seen < 1024) {
            int length = in.read(bytes);
            if (length < 0) {
                throw new IOException("the proxy closed the connection");
            }
            for (int i = 0; i < length; i++) {
                seen = bytes[i] == 'x' ? seen + 1 : 0;
            }
        }
    }

    private static long memory(Testbed.Proxy proxy) throws Exception {
        return proxy.resident() + (proxy.name().equals("coppice") ? proxy.liveHeap() : 0);
    }

    private static SSLContext trusting() throws Exception {
        TrustManager everybody = new X509TrustManager() {
            @Override
            public void checkClientTrusted(X509Certificate[] chain, String type) {}

            @Override
            public void checkServerTrusted(X509Certificate[] chain, String type) {}

            @Override
            public X509Certificate[] getAcceptedIssuers() {
                return new X509Certificate[0];
            }
        };
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {everybody}, new SecureRandom());
        return context;
    }
}
