package dev.coppice.probe;

import java.io.IOException;
import java.util.List;
import java.util.Map;

/** Being written. */
final class Http2Call {
    record Response(int status, Map<String, String> headers) {}

    Http2Call(Connection connection, Attempt attempt) {}

    Response exchange(List<Map.Entry<String, String>> headers, byte[] body, BodySink sink) throws IOException {
        throw new IOException("HTTP/2 is not available yet");
    }
}
