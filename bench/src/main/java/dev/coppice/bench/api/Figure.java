package dev.coppice.bench.api;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What was measured of one server.
 *
 * @param more whether more is better
 */
record Figure(String name, String unit, double value, boolean more) {

    static Figure rate(String name, String unit, double value) {
        return new Figure(name, unit, value, true);
    }

    static Figure cost(String name, String unit, double value) {
        return new Figure(name, unit, value, false);
    }

    /** A line of JSON; the ratio is above 1 when Coppice is better. */
    String line(@Nullable Figure peer, String peerName) {
        return String.format(
                Locale.ROOT,
                "{\"name\":\"%s\",\"unit\":\"%s\",\"coppice\":%.3f,\"peer\":%s,\"peerName\":%s,\"ratio\":%s,\"goal\":null,\"runs\":1}",
                name,
                unit,
                value,
                peer == null ? "null" : String.format(Locale.ROOT, "%.3f", peer.value()),
                peer == null ? "null" : "\"" + peerName + "\"",
                peer == null || Math.min(value, peer.value()) <= 0
                        ? "null"
                        : String.format(Locale.ROOT, "%.2f", more ? value / peer.value() : peer.value() / value));
    }
}
