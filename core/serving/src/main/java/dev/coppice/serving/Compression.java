package dev.coppice.serving;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Locale;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;

/** Compresses large text answers for clients that ask for gzip. */
final class Compression {
    private static final int LEAST_BYTES = 16_384;

    private Compression() {}

    static byte[] gzipIfWanted(Exchange exchange, HttpHeaders headers, int status, byte[] body) throws IOException {
        if (!wanted(exchange, headers, status, body.length)) {
            return body;
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream(body.length / 4);
        try (OutputStream gzip = gzip(out)) {
            gzip.write(body);
        }
        return out.toByteArray();
    }

    /** Whether the answer is to be compressed; if so, its headers say it. */
    static boolean wanted(Exchange exchange, HttpHeaders headers, int status, long bytes) {
        if (bytes < LEAST_BYTES
                || status == 206
                || headers.contains(HttpHeaderNames.CONTENT_ENCODING)
                || !compressible(headers.get(HttpHeaderNames.CONTENT_TYPE, ""))) {
            return false;
        }
        headers.add(HttpHeaderNames.VARY, HttpHeaderNames.ACCEPT_ENCODING);
        if (!accepted(String.join(",", exchange.headers("Accept-Encoding")))) {
            return false;
        }
        headers.set(HttpHeaderNames.CONTENT_ENCODING, "gzip");
        String tag = headers.get(HttpHeaderNames.ETAG);
        if (tag != null && !tag.startsWith("W/")) {
            headers.set(HttpHeaderNames.ETAG, "W/" + tag);
        }
        return true;
    }

    /** Compresses what is written, and ends {@code out} when it is closed. */
    static OutputStream gzip(OutputStream out) throws IOException {
        return new FastGzip(out);
    }

    static boolean accepted(String acceptEncoding) {
        for (String item : acceptEncoding.toLowerCase(Locale.ROOT).split(",", -1)) {
            String[] parts = item.split(";", 2);
            String name = parts[0].strip();
            if (name.equals("gzip") || name.equals("x-gzip")) {
                return parts.length < 2 || !parts[1].strip().matches("q\\s*=\\s*0(\\.0*)?");
            }
        }
        return false;
    }

    private static boolean compressible(String contentType) {
        String type = contentType.toLowerCase(Locale.ROOT);
        return type.startsWith("text/")
                || type.contains("json")
                || type.contains("xml")
                || type.contains("javascript")
                || type.contains("yaml")
                || type.contains("openmetrics");
    }

    private static final class FastGzip extends GZIPOutputStream {
        FastGzip(OutputStream out) throws IOException {
            super(out, 8_192);
            def.setLevel(Deflater.BEST_SPEED);
        }
    }
}
