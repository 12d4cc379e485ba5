package dev.coppice.control.webhook;

import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.Timers;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Proxy;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import javax.net.ssl.HttpsURLConnection;
import org.jspecify.annotations.Nullable;

/**
 * One HTTPS request with one deadline from its beginning to the last byte of the answer, and a largest size of that. Redirects are
 * not followed and no proxy is used. Blocks the calling thread, and needs no other.
 *
 * @param tls which servers are trusted, and what is shown to them
 * @param uri {@code https://…}
 * @param serverName that the certificate has to name, whatever address is dialled
 * @param headers further ones, such as credentials, or another Content-Type than that of JSON; a connection is used once
 * @param limit how long it may take
 * @param largest the most bytes of an answer
 * @param largestError the most bytes of an answer of 400 and above; the rest of it is left out
 * @param addresses which addresses may be called
 */
public record HttpsCall(
        ClientTls tls,
        URI uri,
        String serverName,
        Map<String, String> headers,
        Duration limit,
        int largest,
        int largestError,
        AddressRule addresses) {
    private static final Pattern CONTROL = Pattern.compile("[\\x00-\\x1f\\x7f]+");
    private static final int ERROR_SHOWN = 200;

    /** Which addresses may be called: asked once one is connected to, before a byte is sent to it. */
    @FunctionalInterface
    public interface AddressRule {
        AddressRule ANY = _ -> null;

        /** Why it may not be called, in words; null when it may. */
        @Nullable
        String refusal(InetAddress address);
    }

    /** A call to any address. */
    public HttpsCall(
            ClientTls tls, URI uri, String serverName, Map<String, String> headers, Duration limit, int largest) {
        this(tls, uri, serverName, headers, limit, largest, ERROR_SHOWN, AddressRule.ANY);
    }

    /** The same, but only to some addresses. */
    public HttpsCall onlyTo(AddressRule allowed) {
        return new HttpsCall(tls, uri, serverName, headers, limit, largest, largestError, allowed);
    }

    /** The same, with so much of what an answer of 400 and above says. */
    public HttpsCall withErrors(int bytes) {
        return new HttpsCall(tls, uri, serverName, headers, limit, largest, bytes, addresses);
    }

    /**
     * What came back.
     *
     * @param headers by names as the server wrote them
     * @param body whole when the status is below 400, else its first bytes
     */
    public record Answer(int status, Map<String, List<String>> headers, byte[] body) {
        /** Without headers. */
        public Answer(int status, byte[] body) {
            this(status, Map.of(), body);
        }

        /** The body's text, on one line, for messages. */
        public String line() {
            return CONTROL.matcher(new String(body, StandardCharsets.UTF_8))
                    .replaceAll(" ")
                    .strip();
        }
    }

    /** A call to the host that the address names. */
    public static HttpsCall to(ClientTls tls, URI uri, Map<String, String> headers, Duration limit, int largest) {
        String host = uri.getHost();
        return new HttpsCall(
                tls, uri, host.startsWith("[") ? host.substring(1, host.length() - 1) : host, headers, limit, largest);
    }

    /**
     * Sends it.
     *
     * @param body null for none
     * @throws SocketTimeoutException in words for people, when there is no whole answer in time
     * @throws IOException the same, when there is none for another reason
     */
    public Answer send(Kernel kernel, String method, byte @Nullable [] body) throws IOException {
        Deadline deadline = new Deadline();
        HttpsURLConnection connection = (HttpsURLConnection) uri.toURL().openConnection(Proxy.NO_PROXY);
        connection.setSSLSocketFactory(tls.sockets(serverName, connected -> connected(connected, deadline)));
        int millis = Math.toIntExact(limit.toMillis());
        connection.setConnectTimeout(millis);
        connection.setReadTimeout(millis);
        connection.setInstanceFollowRedirects(false);
        connection.setUseCaches(false);
        Timers.Timer timer = kernel.timers().schedule(limit, deadline::pass);
        try {
            return exchange(connection, method, body);
        } catch (IOException e) {
            if (deadline.passed || e instanceof SocketTimeoutException) {
                SocketTimeoutException late =
                        new SocketTimeoutException("context deadline exceeded: no answer within " + shown(limit));
                late.initCause(e);
                throw late;
            }
            String message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
            throw new IOException(CONTROL.matcher(message).replaceAll(" "), e);
        } finally {
            timer.cancel();
            connection.disconnect();
        }
    }

    private void connected(Socket socket, Deadline deadline) throws IOException {
        deadline.watch(socket);
        String refusal = addresses.refusal(socket.getInetAddress());
        if (refusal != null) {
            throw new IOException(uri.getHost() + " may not be called: " + refusal);
        }
    }

    private static String shown(Duration limit) {
        return limit.toMillis() % 1000 == 0 ? limit.toSeconds() + " s" : limit.toMillis() + " ms";
    }

    private Answer exchange(HttpsURLConnection connection, String method, byte @Nullable [] body) throws IOException {
        connection.setRequestMethod(method);
        // A connection is used once: no thread of the JDK has to keep it, and no stale one makes it send twice.
        connection.setRequestProperty("Connection", "close");
        connection.setRequestProperty("Accept", "application/json");
        if (body != null) {
            connection.setRequestProperty("Content-Type", "application/json");
        }
        headers.forEach(connection::setRequestProperty);
        if (body != null) {
            connection.setDoOutput(true);
            connection.setFixedLengthStreamingMode(body.length);
            try (OutputStream out = connection.getOutputStream()) {
                out.write(body);
            }
        }
        int status = connection.getResponseCode();
        Map<String, List<String>> received = new HashMap<>();
        connection.getHeaderFields().forEach((name, values) -> {
            // Without a name it is the line of the status.
            if (name != null) {
                received.put(name, List.copyOf(values));
            }
        });
        if (status >= 400) {
            InputStream error = connection.getErrorStream();
            return new Answer(status, received, error == null ? new byte[0] : error.readNBytes(largestError));
        }
        return new Answer(status, received, read(connection.getInputStream()));
    }

    private byte[] read(InputStream in) throws IOException {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] buffer = new byte[8 << 10];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
            all.write(buffer, 0, n);
            if (all.size() > largest) {
                throw new IOException("the answer is larger than " + largest + " bytes");
            }
        }
        return all.toByteArray();
    }

    /**
     * Ends a call by closing the socket below TLS. To close a TLS socket would wait for whoever writes to it, and a timer may not
     * wait.
     */
    private static final class Deadline {
        private volatile boolean passed;
        private @Nullable Socket socket;

        synchronized void watch(Socket connected) {
            socket = connected;
            if (passed) {
                close(connected);
            }
        }

        synchronized void pass() {
            passed = true;
            if (socket != null) {
                close(socket);
            }
        }

        private static void close(Socket socket) {
            try {
                socket.close();
            } catch (IOException e) {
                // It is of no more use in any case.
            }
        }
    }
}
