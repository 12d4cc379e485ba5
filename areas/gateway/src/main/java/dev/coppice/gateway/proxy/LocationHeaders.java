package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.ClientConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.geography.Location;
import dev.coppice.gateway.geography.LocationDatabases;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Request headers of a listener that say where clients are. Immutable. */
final class LocationHeaders {
    private final ClientConfig.Geography names;
    private final OwnedHeaders owned;
    private final LocationDatabases databases;
    private final List<String> lowerCase;

    private LocationHeaders(ClientConfig.Geography names, LocationDatabases databases) {
        this.names = names;
        this.owned = new OwnedHeaders(names.headers());
        this.databases = databases;
        this.lowerCase = names.headers().stream()
                .map(each -> each.toLowerCase(Locale.ROOT))
                .toList();
    }

    /** Those of the listeners of a port; null when none has any. */
    static @Nullable Map<ListenerConfig, LocationHeaders> of(
            List<ListenerConfig> listeners, LocationDatabases databases) {
        Map<ListenerConfig, LocationHeaders> all = new IdentityHashMap<>();
        for (ListenerConfig each : listeners) {
            ClientConfig clients = each.clients();
            if (clients != null && clients.geography() != null) {
                all.put(each, new LocationHeaders(clients.geography(), databases));
            }
        }
        return all.isEmpty() ? null : all;
    }

    /** Says it in a request's headers; what the client wrote there is taken out. */
    void tell(Client client, HttpHeaders headers) {
        owned.remove(headers);
        Location location = client.location(databases);
        tell(headers, names.continent(), location.continent());
        tell(headers, names.country(), location.country());
        tell(headers, names.subdivision(), location.subdivision());
        tell(headers, names.autonomousSystem(), location.autonomousSystem());
    }

    private static void tell(HttpHeaders headers, @Nullable String name, String value) {
        if (name != null && !value.isEmpty()) {
            headers.set(name, value);
        }
    }

    /** Of the headers, in lower case. */
    List<String> names() {
        return lowerCase;
    }

    /** Takes out of trailers what would be taken for it. */
    void hide(HttpHeaders trailers) {
        owned.remove(trailers);
    }
}
