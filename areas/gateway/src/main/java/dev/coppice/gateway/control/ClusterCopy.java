package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ExtensionContext;
import dev.coppice.control.Informer;
import dev.coppice.control.Key;
import dev.coppice.control.Kind;
import dev.coppice.control.Resource;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.gateway.control.CoreKinds.Nothing;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Services, EndpointSlices and Namespaces as informers have them; Secrets and ConfigMaps where something refers to them. */
final class ClusterCopy implements ClusterView, AutoCloseable {
    private static final String SERVICE_NAME = "kubernetes.io/service-name";

    private final Informer<Nothing, Nothing> services;
    private final Informer<Nothing, Nothing> namespaces;
    private final Map<Key, List<ObjectNode>> slices = new ConcurrentHashMap<>();
    private final ReferencedObjects secrets;
    private final ReferencedObjects configMaps;
    private final List<AutoCloseable> observers = new ArrayList<>();

    ClusterCopy(ExtensionContext context, Runnable changed) {
        secrets = new ReferencedObjects(context.resources(), new ResourceType("", "v1", "secrets"), changed);
        configMaps = new ReferencedObjects(context.resources(), new ResourceType("", "v1", "configmaps"), changed);
        services = informer(context, CoreKinds.SERVICE, changed);
        namespaces = informer(context, CoreKinds.NAMESPACE, changed);
        observers.add(context.informer(CoreKinds.ENDPOINT_SLICE).observe((before, after) -> {
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
        secrets.begin();
        configMaps.begin();
    }

    void end() {
        secrets.end();
        configMaps.end();
    }

    @Override
    public Optional<ObjectNode> service(Key key) {
        return services.get(key).map(Resource::tree);
    }

    @Override
    public List<ObjectNode> slices(Key service) {
        return slices.getOrDefault(service, List.of());
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
    }
}
