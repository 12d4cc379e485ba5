package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.ContentConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.config.TrafficTarget;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What becomes of bodies, for each rule what the narrowest of its targets says. Safe for use by many threads. */
final class Contents {
    /**
     * Of a rule.
     *
     * @param compression null: answers pass as they are
     * @param maxRequestBytes {@link ContentConfig#UNBOUNDED}: any
     * @param cache null: no answer is kept
     */
    record Content(@Nullable Compression compression, long maxRequestBytes, ContentConfig.@Nullable Cache cache) {
        static final Content AS_IT_IS = new Content(null, ContentConfig.UNBOUNDED, null);

        /** Whether a request may not have so many bytes. */
        boolean tooLong(long bytes) {
            return maxRequestBytes >= 0 && bytes > maxRequestBytes;
        }
    }

    private Map<TrafficTarget, ContentConfig> targets = Map.of();
    private Map<ContentConfig.Compression, Compression> compressions = Map.of();

    /** Takes over the policies that count from now on. */
    synchronized void update(List<ContentConfig> configs) {
        Map<TrafficTarget, ContentConfig> byTarget = new HashMap<>();
        Map<ContentConfig.Compression, Compression> next = new HashMap<>();
        for (ContentConfig config : configs) {
            config.targets().forEach(target -> byTarget.putIfAbsent(target, config));
            if (config.compression() != null) {
                next.computeIfAbsent(config.compression(), Compression::new);
            }
        }
        targets = byTarget;
        compressions = next;
    }

    synchronized Content of(ListenerConfig listener, RouteConfig route, RuleConfig rule) {
        if (targets.isEmpty()) {
            return Content.AS_IT_IS;
        }
        Compression compression = null;
        long max = ContentConfig.UNBOUNDED;
        ContentConfig.Cache cache = null;
        for (TrafficTarget target : TrafficTarget.of(listener, route, rule)) {
            ContentConfig config = targets.get(target);
            if (config != null && config.compression() != null) {
                compression = compressions.get(config.compression());
            }
            if (config != null && config.maxRequestBytes() != ContentConfig.UNBOUNDED) {
                max = config.maxRequestBytes();
            }
            if (config != null && config.cache() != null) {
                cache = config.cache();
            }
        }
        return compression == null && max == ContentConfig.UNBOUNDED && cache == null
                ? Content.AS_IT_IS
                : new Content(compression, max, cache);
    }
}
