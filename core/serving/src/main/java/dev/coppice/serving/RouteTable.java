package dev.coppice.serving;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;

/** Mounted handlers by prefix: an immutable map, replaced as a whole; looking up takes no lock. */
final class RouteTable implements Routes {
    private final AtomicReference<Map<String, Mounted>> routes = new AtomicReference<>(Map.of());

    /** A handler and the prefix it is mounted at, which is {@code /} or has no trailing slash. */
    record Mounted(String prefix, Handler handler) {}

    @Override
    public Mount mount(String prefix, Handler handler) {
        if (!prefix.startsWith("/")) {
            throw new IllegalArgumentException("the prefix \"" + prefix + "\" must start with a slash");
        }
        String key = prefix.length() > 1 && prefix.endsWith("/") ? prefix.substring(0, prefix.length() - 1) : prefix;
        Mounted mounted = new Mounted(key, handler);
        routes.updateAndGet(old -> {
            if (old.containsKey(key)) {
                throw new IllegalStateException("the prefix " + key + " is mounted already");
            }
            Map<String, Mounted> copy = new HashMap<>(old);
            copy.put(key, mounted);
            return Map.copyOf(copy);
        });
        return () -> routes.updateAndGet(old -> {
            if (old.get(key) != mounted) {
                return old;
            }
            Map<String, Mounted> copy = new HashMap<>(old);
            copy.remove(key);
            return Map.copyOf(copy);
        });
    }

    /** The longest mounted prefix of whole segments. */
    Optional<Mounted> find(String path) {
        Map<String, Mounted> map = routes.get();
        String prefix = path;
        while (prefix.length() > 1) {
            Mounted found = map.get(prefix);
            if (found != null) {
                return Optional.of(found);
            }
            prefix = prefix.substring(0, Math.max(0, prefix.lastIndexOf('/')));
        }
        return Optional.ofNullable(map.get("/"));
    }
}
