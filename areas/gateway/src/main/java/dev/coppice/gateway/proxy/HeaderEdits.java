package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.FilterConfig.HeaderChanges;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.AsciiString;
import java.util.List;

/** Changes of headers, ready to be made. Immutable. */
final class HeaderEdits {
    private record Edit(AsciiString name, AsciiString value) {}

    static final HeaderEdits NONE = new HeaderEdits(List.of());

    private final AsciiString[] removed;
    private final Edit[] set;
    private final Edit[] added;
    private final boolean none;

    HeaderEdits(List<HeaderChanges> changes) {
        removed = changes.stream()
                .flatMap(each -> each.remove().stream())
                .map(AsciiString::cached)
                .toArray(AsciiString[]::new);
        set = changes.stream()
                .flatMap(each -> each.set().stream())
                .map(each -> new Edit(AsciiString.cached(each.name()), AsciiString.cached(each.value())))
                .toArray(Edit[]::new);
        added = changes.stream()
                .flatMap(each -> each.add().stream())
                .map(each -> new Edit(AsciiString.cached(each.name()), AsciiString.cached(each.value())))
                .toArray(Edit[]::new);
        none = removed.length + set.length + added.length == 0;
    }

    void apply(HttpHeaders headers) {
        if (none) {
            return;
        }
        for (AsciiString each : removed) {
            headers.remove(each);
        }
        for (Edit each : set) {
            headers.set(each.name, each.value);
        }
        for (Edit each : added) {
            headers.add(each.name, each.value);
        }
    }
}
