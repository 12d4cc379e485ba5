package dev.coppice.control.plan;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.engine.Engine;
import dev.coppice.control.engine.WriteOptions;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Registry;
import dev.coppice.control.webhook.WebhookClient;
import dev.coppice.serving.Identity;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import java.util.function.BooleanSupplier;

/**
 * Plans: what server-side applies of objects, one after the other, would do. They are done in a {@link Draft}, so that an object
 * finds what those before it made, and nothing is changed. Four are made at once, each in at most ten minutes. Safe for use by
 * many threads.
 */
public final class Plans {
    /** The API group that plans are asked of. */
    public static final String GROUP = "plan.coppice.dev";

    public static final String API_VERSION = GROUP + "/v1";

    /** Objects in one plan. */
    public static final int MOST_OBJECTS = 5_000;

    private static final int AT_ONCE = 4;
    private static final Duration LIMIT = Duration.ofMinutes(10);

    private final Engine engine;
    private final Registry registry;
    private final WebhookClient webhooks;
    private final ControllerPlans controllers;
    private final BooleanSupplier leading;
    private final Semaphore places = new Semaphore(AT_ONCE);
    private final Counter planned;

    /**
     * Plans of a node.
     *
     * @param leading whether the cluster's controllers run in this process
     */
    public Plans(
            Engine engine,
            Registry registry,
            WebhookClient webhooks,
            ControllerPlans controllers,
            BooleanSupplier leading) {
        this.engine = engine;
        this.registry = registry;
        this.webhooks = webhooks;
        this.controllers = controllers;
        this.leading = leading;
        this.planned = Counter.builder()
                .name("coppice_control_planned_objects_total")
                .help("Objects that plans looked at, by what would be done with them.")
                .labelNames("action")
                .register(engine.kernel().metrics());
        GaugeWithCallback.builder()
                .name("coppice_control_plans_running")
                .help("Plans that are being made.")
                .callback(c -> c.call(AT_ONCE - places.availablePermits()))
                .register(engine.kernel().metrics());
    }

    /** Controllers that are asked what they would do. */
    public ControllerPlans controllers() {
        return controllers;
    }

    /** Told of one object after the other, then of the sum. */
    @FunctionalInterface
    public interface Sink {
        void line(ObjectNode line) throws IOException;
    }

    /** Beginnings and ends of plans; close it when the plan is made. */
    public interface Place extends AutoCloseable {
        @Override
        void close();
    }

    /** A place for one plan; 429 when as many are being made as may be. */
    public Place enter() {
        if (!places.tryAcquire()) {
            throw Statuses.tooManyRequests(
                    "there are already " + AT_ONCE + " plans being made, the most at once; try again later", 5);
        }
        return places::release;
    }

    /**
     * Plans an apply of each object, in their order.
     *
     * @param options as for an apply
     * @throws IOException of the sink, which ends the plan
     */
    public void plan(Identity identity, String agent, List<ObjectNode> objects, WriteOptions options, Sink sink)
            throws IOException {
        long deadline = engine.kernel().clock().nanoTime() + LIMIT.toNanos();
        Draft draft = new Draft(engine.kernel(), engine, registry, webhooks);
        ObjectPlan plan = new ObjectPlan(draft, controllers, identity, agent, options);
        Map<String, Integer> counts = new TreeMap<>();
        for (int i = 0; i < objects.size(); i++) {
            boolean late = engine.kernel().clock().nanoTime() > deadline;
            ObjectNode line = late ? plan.tooLate(objects.get(i), LIMIT) : plan.of(objects.get(i));
            line.put("index", i);
            String action = line.path("action").asText();
            counts.merge(action, 1, Integer::sum);
            planned.labelValues(action).inc();
            sink.line(line);
        }
        sink.line(sum(counts));
    }

    private ObjectNode sum(Map<String, Integer> counts) {
        ObjectNode sum = Json.object().put("type", "SUM");
        for (ObjectPlan.Action action : ObjectPlan.Action.values()) {
            sum.put(action.word(), counts.getOrDefault(action.word(), 0));
        }
        boolean asked = leading.getAsBoolean();
        sum.put("controllersAsked", asked);
        if (!asked) {
            sum.put(
                    "note",
                    "the controllers of this cluster run on another node and were not asked; ask the node that leads");
        }
        return sum;
    }
}
