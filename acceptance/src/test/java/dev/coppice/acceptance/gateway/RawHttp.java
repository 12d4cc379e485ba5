package dev.coppice.acceptance.gateway;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;

/**
 * Sends HTTP/1.1 requests byte for byte as told, each on a connection of its own: nothing is normalised, added (but the Host) or
 * followed.
 */
final class RawHttp {
    private static final int TIMEOUT_MILLIS = 10_000;
    private static final int LINE_LIMIT = 1 << 16;
    private static final int BODY_LIMIT = 1 << 22;

    /** An answer. Header names are in lower case; values of several fields are in their order. */
    record Answer(int status, Map<String, List<String>> headers, byte[] body) {
        /** All values of a header joined by commas; null when it is not there. */
        @Nullable
        String header(String name) {
            List<String> values = headers.get(name.toLowerCase(Locale.ROOT));
            return values == null ? null : String.join(",", values);
        }

        String text() {
            return new String(body, StandardCharsets.UTF_8);
        }
    }

    private RawHttp() {}

    /** @param tls null for plain text; its server name is {@code serverName} */
    static Socket connect(String address, int port, @Nullable SSLContext tls, String serverName) throws IOException {
        return connect(new ExchangeRunner.Target(address, port, tls), serverName);
    }

    static Socket connect(ExchangeRunner.Target target, String serverName) throws IOException {
        Socket socket = new Socket();
        String address = target.address();
        int port = target.port();
        SSLContext tls = target.tls();
        try {
            if (!target.from().isEmpty()) {
                socket.bind(new InetSocketAddress(target.from(), 0));
            }
            socket.connect(new InetSocketAddress(address, port), TIMEOUT_MILLIS);
            socket.setSoTimeout(TIMEOUT_MILLIS);
            if (tls == null) {
                return socket;
            }
            SSLSocket secured = (SSLSocket) tls.getSocketFactory().createSocket(socket, serverName, port, true);
            SSLParameters parameters = secured.getSSLParameters();
            parameters.setServerNames(List.of(new SNIHostName(serverName)));
            parameters.setApplicationProtocols(new String[] {"http/1.1"});
            secured.setSSLParameters(parameters);
            secured.startHandshake();
            return secured;
        } catch (IOException | RuntimeException e) {
            socket.close();
            throw e;
        }
    }

    static String head(String method, String target, String host, List<Map.Entry<String, String>> headers) {
        return method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n"
                + headers.stream()
                        .map(header -> header.getKey() + ": " + header.getValue() + "\r\n")
                        .collect(Collectors.joining())
                + "\r\n";
    }

    /** Sends a request and reads its answer. */
    static Answer exchange(Socket socket, String method, String head) throws IOException {
        socket.getOutputStream().write(head.getBytes(StandardCharsets.ISO_8859_1));
        socket.getOutputStream().flush();
        return read(new BufferedInputStream(socket.getInputStream()), method.equals("HEAD"));
    }

    static Answer read(InputStream in, boolean withoutBody) throws IOException {
        String[] start = line(in).split(" ", 3);
        if (start.length < 2 || !start[0].startsWith("HTTP/1.")) {
            throw new IOException("no HTTP/1 answer: " + String.join(" ", start));
        }
        int status = Integer.parseInt(start[1]);
        Map<String, List<String>> headers = new java.util.LinkedHashMap<>();
        for (String line = line(in); !line.isEmpty(); line = line(in)) {
            int colon = line.indexOf(':');
            if (colon < 1) {
                throw new IOException("not a header: " + line);
            }
            headers.computeIfAbsent(line.substring(0, colon).toLowerCase(Locale.ROOT), _ -> new ArrayList<>())
                    .add(line.substring(colon + 1).strip());
        }
        if (status / 100 == 1 && status != 101) {
            return read(in, withoutBody);
        }
        if (withoutBody || status == 101 || status == 204 || status == 304) {
            return new Answer(status, headers, new byte[0]);
        }
        List<String> length = headers.getOrDefault("content-length", List.of());
        if (String.join(",", headers.getOrDefault("transfer-encoding", List.of()))
                .contains("chunked")) {
            return new Answer(status, headers, chunks(in));
        }
        if (length.isEmpty()) {
            return new Answer(status, headers, in.readNBytes(BODY_LIMIT));
        }
        return new Answer(status, headers, bytes(in, Integer.parseInt(length.getFirst())));
    }

    private static byte[] chunks(InputStream in) throws IOException {
        ByteArrayOutputStream body = new ByteArrayOutputStream();
        while (true) {
            int size = Integer.parseInt(line(in).split(";")[0].strip(), 16);
            if (size == 0) {
                while (!line(in).isEmpty()) {}
                return body.toByteArray();
            }
            body.write(bytes(in, size));
            line(in);
        }
    }

    private static byte[] bytes(InputStream in, int count) throws IOException {
        if (count > BODY_LIMIT) {
            throw new IOException("a body of " + count + " bytes");
        }
        byte[] bytes = in.readNBytes(count);
        if (bytes.length < count) {
            throw new EOFException("the body ended after " + bytes.length + " of " + count + " bytes");
        }
        return bytes;
    }

    private static String line(InputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        while (line.length() < LINE_LIMIT) {
            int c = in.read();
            if (c < 0) {
                throw new EOFException("the connection ended before the answer did");
            }
            if (c == '\n') {
                return line.toString();
            }
            if (c != '\r') {
                line.append((char) c);
            }
        }
        throw new IOException("a line of more than " + LINE_LIMIT + " characters");
    }
}
