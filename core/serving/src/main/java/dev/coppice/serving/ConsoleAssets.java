package dev.coppice.serving;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The console's scripts and styles, from this jar and the webjars. A link carries a hash of its content, and is then cached
 * for ever; without the hash it is checked each time. Read on first use, then kept.
 */
final class ConsoleAssets {
    private static final String PREFIX = "/console/assets/";
    private static final String WEBJARS = "/META-INF/resources/webjars/";
    private static final Map<String, String> SOURCES = Map.of(
            "htmx.js",
            WEBJARS + "htmx.org/2.0.4/dist/htmx.min.js",
            "sse.js",
            WEBJARS + "htmx-ext-sse/2.2.2/sse.js",
            "uplot.js",
            WEBJARS + "uplot/1.6.30/dist/uPlot.iife.min.js",
            "uplot.css",
            WEBJARS + "uplot/1.6.30/dist/uPlot.min.css",
            "coppice.js",
            "/dev/coppice/serving/assets/coppice.js",
            "theme.js",
            "/dev/coppice/serving/assets/theme.js",
            "coppice.css",
            "/dev/coppice/serving/assets/coppice.css",
            "icon.svg",
            "/dev/coppice/serving/assets/icon.svg");

    private final Map<String, Asset> loaded = new ConcurrentHashMap<>();

    private record Asset(byte[] content, String type, String hash) {}

    String href(String name) {
        return PREFIX + name + "?v=" + asset(name).hash();
    }

    void serve(Exchange exchange, String name) throws IOException {
        if (!SOURCES.containsKey(name)) {
            exchange.status(404).send("text/plain; charset=utf-8", "404 asset not found\n");
            return;
        }
        Asset asset = asset(name);
        String tag = "\"" + asset.hash() + "\"";
        boolean addressed = exchange.query("v").filter(asset.hash()::equals).isPresent();
        exchange.setHeader("Content-Type", asset.type())
                .setHeader("ETag", tag)
                .setHeader("X-Content-Type-Options", "nosniff")
                .setHeader("Cache-Control", addressed ? "public, max-age=31536000, immutable" : "no-cache");
        if (exchange.header("If-None-Match")
                .filter(sent -> sent.contains(asset.hash()))
                .isPresent()) {
            exchange.status(304).sendEmpty();
        } else {
            exchange.send(asset.content());
        }
    }

    private Asset asset(String name) {
        return loaded.computeIfAbsent(name, ConsoleAssets::load);
    }

    private static Asset load(String name) {
        String source = SOURCES.getOrDefault(name, "/none");
        try (InputStream in = ConsoleAssets.class.getResourceAsStream(source)) {
            if (in == null) {
                throw new IllegalStateException("the asset " + source + " is missing from the class path");
            }
            byte[] content = in.readAllBytes();
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
            return new Asset(content, type(name), HexFormat.of().formatHex(digest, 0, 8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String type(String name) {
        if (name.endsWith(".js")) {
            return "text/javascript; charset=utf-8";
        }
        return name.endsWith(".css") ? "text/css; charset=utf-8" : "image/svg+xml";
    }
}
