package dev.coppice.server;

import dev.coppice.serving.Exchange;
import dev.coppice.serving.Routes;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Says on the public port that another node answers what an area serves without login, where nodes share an etcd and have no
 * connection with each other by which they could pass it on. A load balancer then takes the other one. Safe for use by many
 * threads.
 */
final class PublicSigns implements Standby {

    private final Routes routes;
    private final List<String> prefixes;
    private final List<Routes.Mount> mounts = new ArrayList<>();

    /** @param prefixes what is served on the leader's node only */
    PublicSigns(Routes routes, List<String> prefixes) {
        this.routes = routes;
        this.prefixes = List.copyOf(prefixes);
    }

    @Override
    public synchronized void open() {
        if (mounts.isEmpty()) {
            prefixes.forEach(prefix -> mounts.add(routes.mount(prefix, PublicSigns::answer)));
        }
    }

    @Override
    public synchronized void close() {
        mounts.forEach(Routes.Mount::close);
        mounts.clear();
    }

    private static void answer(Exchange exchange) throws IOException {
        exchange.status(503)
                .setHeader("Retry-After", "2")
                .send(
                        "text/plain; charset=utf-8",
                        "503 this node follows: the node that leads answers this; ask the others\n");
    }
}
