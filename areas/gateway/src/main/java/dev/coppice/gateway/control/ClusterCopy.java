package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ExtensionContext;
import dev.coppice.control.Informer;
import dev.coppice.control.Key;
import dev.coppice.control.Kind;
import dev.coppice.control.Resource;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.gateway.control.CoreKinds.Nothing;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.Supervisor;
import dev.coppice.probe.DnsNameLookup;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Services, EndpointSlices and Namespaces as informers have them; Secrets, ConfigMaps, HealthChecks and external names where something refers to them. */
final class ClusterCopy implements ClusterView, AutoCloseable {
    private static final String SERVICE_NAME = "kubernetes.io/service-name";
    private static final ResourceType HEALTH_CHECKS = new ResourceType("health.coppice.dev", "v1", "healthchecks");
    private static final int LOOKUPS = 8;
    private static final Duration LOOK = Duration.ofSeconds(1);

    private final Informer<Nothing, Nothing> services;
    private final Informer<Nothing, Nothing> namespaces;
    private final Informer<Nothing, Nothing> allSlices;
    private final Map<Key, List<ObjectNode>> slices = new ConcurrentHashMap<>();
    private final ReferencedObjects secrets;
    private final ReferencedObjects configMaps;
    private final ExternalNames names;
    private final @Nullable ReferencedObjects healthChecks;
    private final List<AutoCloseable> observers = new ArrayList<>();

    /**
     * @param changed called, by any thread, when something is different
     * @param later the same, for what is to be tried again, not at once
     */
    ClusterCopy(ExtensionContext context, ControlMetrics metrics, Runnable changed, Runnable later)
            throws StartException {
        Kernel kernel = context.kernel();
        names = new ExternalNames(
                new DnsNameLookup(kernel.clock()),
                kernel.clock(),
                context.supervisor().executor("name-lookups", LOOKUPS),
                metrics,
                changed);
        Supervisor.Child _ =
                context.supervisor().start(ChildSpec.periodic("external-names", LOOK, Duration.ZERO, names::look));
        secrets = new ReferencedObjects(context.resources(), new ResourceType("", "v1", "secrets"), changed, later);
        configMaps =
                new ReferencedObjects(context.resources(), new ResourceType("", "v1", "configmaps"), changed, later);
        // Not everywhere are there any.
        boolean checked = context.resources().types().stream()
                .anyMatch(each -> each.type().equals(HEALTH_CHECKS));
        healthChecks = checked ? new ReferencedObjects(context.resources(), HEALTH_CHECKS, changed, later) : null;
        services = informer(context, CoreKinds.SERVICE, changed);
        namespaces = informer(context, CoreKinds.NAMESPACE, changed);
        allSlices = context.informer(CoreKinds.ENDPOINT_SLICE);
        observers.add(allSlices.observe((before, after) -> {
            before.ifPresent(each -> slice(each, false));
            after.ifPresent(each -> slice(each, true));
            changed.run();
        }));
    }

    private Informer<Nothing, Nothing> informer(
            ExtensionContext context, Kind<Nothing, Nothing> kind, Runnable changed) {
        Informer<Nothing, Nothing> informer = context.informer(kind);
        observers.add(informer.observe((_, _) -> changed.run()));
        return informer;
    }

    private void slice(Resource<Nothing, Nothing> slice, boolean there) {
        String service = slice.labels().getOrDefault(SERVICE_NAME, "");
        if (service.isEmpty()) {
            return;
        }
        slices.compute(new Key(slice.namespace(), service), (_, known) -> {
            List<ObjectNode> all = known == null ? new ArrayList<>() : new ArrayList<>(known);
            all.removeIf(each -> each.path("metadata").path("name").asText().equals(slice.name()));
            if (there) {
                all.add(slice.tree());
                all.sort(Comparator.comparing(
                        each -> each.path("metadata").path("name").asText()));
            }
            return all.isEmpty() ? null : List.copyOf(all);
        });
    }

    void begin() {
        names.begin();
        secrets.begin();
        configMaps.begin();
        if (healthChecks != null) {
            healthChecks.begin();
        }
    }

    void end() {
        names.end();
        secrets.end();
        configMaps.end();
        if (healthChecks != null) {
            healthChecks.end();
        }
    }

    @Override
    public Optional<ObjectNode> service(Key key) {
        return services.get(key).map(Resource::tree);
    }

    @Override
    public List<ObjectNode> services() {
        return services.list().stream().map(Resource::tree).toList();
    }

    @Override
    public List<ObjectNode> slices() {
        return allSlices.list().stream().map(Resource::tree).toList();
    }

    @Override
    public List<ObjectNode> slices(Key service) {
        return slices.getOrDefault(service, List.of());
    }

    @Override
    public Optional<List<String>> addresses(String externalName) {
        return names.addresses(externalName);
    }

    @Override
    public String healthState(Key key) {
        return healthChecks == null
                ? ""
                : healthChecks
                        .get(key)
                        .map(check -> check.path("status").path("state").asText(""))
                        .orElse("");
    }

    @Override
    public Optional<Map<String, String>> namespace(String name) {
        return namespaces.get(new Key("", name)).map(Resource::labels);
    }

    @Override
    public Optional<ObjectNode> secret(Key key) {
        return secrets.get(key);
    }

    @Override
    public Optional<ObjectNode> configMap(Key key) {
        return configMaps.get(key);
    }

    @Override
    public void close() throws Exception {
        for (AutoCloseable observer : observers) {
            observer.close();
        }
        secrets.close();
        configMaps.close();
        if (healthChecks != null) {
            healthChecks.close();
        }
    }
}
