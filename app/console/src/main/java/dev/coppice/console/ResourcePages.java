package dev.coppice.console;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Authorizer;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.ResourceClient.ServedType;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import dev.coppice.serving.Identity;
import dev.coppice.serving.LiveStreams;
import dev.coppice.serving.PageLayout;
import dev.coppice.serving.Rendering;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The resource browser: all kinds, the objects of a kind, an object. What a user may not list or get is refused, by the
 * same rules as in the API.
 *
 * <p>Addresses: {@code resources}, {@code resources/GROUP/VERSION/PLURAL} and
 * {@code resources/GROUP/VERSION/PLURAL/NAMESPACE/NAME}, where {@code core} is the empty group and {@code -} no namespace.
 */
final class ResourcePages implements Handler {
    static final String PATH = "/console/resources";
    private static final Duration EVERY = Duration.ofSeconds(10);
    private static final ResourceType NAMESPACES = new ResourceType("", "v1", "namespaces");

    private final ResourceClient resources;
    private final Authorizer authorizer;
    private final PageLayout layout;
    private final LiveStreams streams;
    private final ObjectViews views;

    ResourcePages(ResourceClient resources, Authorizer authorizer, PageLayout layout, LiveStreams streams) {
        this.resources = resources;
        this.authorizer = authorizer;
        this.layout = layout;
        this.streams = streams;
        this.views = new ObjectViews(resources, authorizer);
    }

    record TypeLink(String kind, String href, String group, String version, String scope) {}

    record TypesView(List<TypeLink> types) {}

    record Cell(String text, String href, String tone) {}

    record Row(List<Cell> cells) {}

    record ListView(
            String kind,
            String group,
            String apiVersion,
            boolean namespaced,
            String namespace,
            List<String> namespaces,
            String streamHref,
            List<String> columns,
            List<Row> rows,
            int omitted) {}

    record ConditionRow(String type, String status, String tone, String reason, String message, String since) {}

    record EventRow(String at, String type, String tone, String reason, String message, long count) {}

    record ObjectView(
            String kind,
            String namespace,
            String name,
            String listHref,
            String streamHref,
            String historyHref,
            boolean gone,
            boolean deleting,
            String created,
            List<String> labels,
            List<String> owners,
            List<ConditionRow> conditions,
            String yaml,
            List<EventRow> events) {}

    @Override
    public void handle(Exchange exchange) throws Exception {
        String[] parts = exchange.rawPath().length() > PATH.length()
                ? exchange.path().substring(PATH.length() + 1).split("/", -1)
                : new String[0];
        try {
            switch (parts.length) {
                case 0 -> types(exchange);
                case 3 -> list(exchange, type(parts));
                case 5 -> object(exchange, type(parts), parts[3].equals("-") ? "" : parts[3], parts[4]);
                default -> refuse(exchange, 404, "Not found", "There is no such page in the resource browser.");
            }
        } catch (ApiException e) {
            if (exchange.committed()) {
                throw e;
            }
            refuse(exchange, e.code(), e.reason(), String.valueOf(e.getMessage()));
        }
    }

    private @Nullable ServedType type(String[] parts) {
        ResourceType wanted = new ResourceType(parts[0].equals("core") ? "" : parts[0], parts[1], parts[2]);
        return resources.types().stream()
                .filter(served -> served.type().equals(wanted))
                .findFirst()
                .orElse(null);
    }

    // --- all kinds

    private void types(Exchange exchange) throws Exception {
        List<TypeLink> types = resources.types().stream()
                .filter(served -> served.verbs().contains("list"))
                .filter(served -> !served.type().plural().contains("/"))
                .sorted(Comparator.comparing(
                                (ServedType served) -> rank(served.type().group()))
                        .thenComparing(served -> served.type().group())
                        .thenComparing(ServedType::kind))
                .map(served -> new TypeLink(
                        served.kind(),
                        href(served.type()),
                        served.type().group().isEmpty() ? "core" : served.type().group(),
                        served.type().version(),
                        served.namespaced() ? "namespaced" : "cluster"))
                .toList();
        layout.send(
                exchange,
                "Resources",
                Rendering.html((out, none) -> JtetypesGenerated.render(out, none, new TypesView(types))));
    }

    /** Coppice's own groups first, then the core group, then the others. */
    private static int rank(String group) {
        if (group.endsWith(".coppice.dev")) {
            return 0;
        }
        return group.isEmpty() ? 1 : 2;
    }

    static String href(ResourceType type) {
        return PATH + "/" + encode(type.group().isEmpty() ? "core" : type.group()) + "/" + encode(type.version()) + "/"
                + encode(type.plural());
    }

    static String href(ResourceType type, String namespace, String name) {
        return href(type) + "/" + (namespace.isEmpty() ? "-" : encode(namespace)) + "/" + encode(name);
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
    }

    // --- the objects of a kind

    private void list(Exchange exchange, @Nullable ServedType served) throws Exception {
        if (served == null) {
            refuse(exchange, 404, "Not found", "This node does not serve such a kind.");
            return;
        }
        String namespace = served.namespaced() ? exchange.query("namespace").orElse("") : "";
        if (!allowed(exchange, "list", served.type(), namespace, "")) {
            return;
        }
        ObjectTable table = new ObjectTable(resources, served, namespace, namespaces(exchange.identity(), served));
        if (!live(exchange)) {
            ListView view = table.view();
            layout.send(
                    exchange,
                    served.kind(),
                    Rendering.html((out, none) -> JteobjectsGenerated.render(out, none, view)));
            return;
        }
        BooleanSupplier allowed = () -> decision(exchange, "list", served.type(), namespace, "");
        follow(exchange, served.type(), Query.namespace(namespace), "table", allowed, () -> {
            ListView view = table.view();
            return Rendering.html((out, none) -> JteobjecttableGenerated.render(out, none, view));
        });
    }

    private List<String> namespaces(Identity identity, ServedType served) {
        if (!served.namespaced()
                || !authorizer
                        .authorize(identity, new Authorizer.Action("list", "", "namespaces", "", ""))
                        .allowed()) {
            return List.of();
        }
        return resources.list(NAMESPACES, Query.ALL).items().stream()
                .map(item -> item.path("metadata").path("name").asText())
                .sorted()
                .toList();
    }

    // --- an object

    private void object(Exchange exchange, @Nullable ServedType served, String namespace, String name)
            throws Exception {
        if (served == null) {
            refuse(exchange, 404, "Not found", "This node does not serve such a kind.");
            return;
        }
        if (served.namespaced() == namespace.isEmpty()) {
            // Rights in a namespace say nothing about what lies in none.
            refuse(exchange, 404, "Not found", served.kind() + " " + name + " does not exist there.");
            return;
        }
        if (!allowed(exchange, "get", served.type(), namespace, name)) {
            return;
        }
        Identity identity = exchange.identity();
        if (live(exchange)) {
            follow(
                    exchange,
                    served.type(),
                    new Query(namespace, "", "metadata.name=" + name),
                    "object",
                    () -> decision(exchange, "get", served.type(), namespace, name),
                    () -> rendered(views.view(identity, served, namespace, name)));
            return;
        }
        ObjectView view = views.view(identity, served, namespace, name);
        if (view.gone()) {
            refuse(exchange, 404, "Not found", served.kind() + " " + name + " does not exist.");
        } else {
            layout.send(exchange, name, Rendering.html((out, none) -> JteobjectGenerated.render(out, none, view)));
        }
    }

    private static String rendered(ObjectView view) {
        return Rendering.html((out, none) -> JteobjectliveGenerated.render(out, none, view));
    }

    // --- shared

    private interface Part {
        String render();
    }

    /** Sends a part again whenever a watch tells of a change. A watch that ends is opened anew. */
    private void follow(
            Exchange exchange, ResourceType type, Query query, String event, BooleanSupplier allowed, Part part)
            throws Exception {
        LiveStreams.Wake wake = new LiveStreams.Wake();
        try (Following following = new Following(type, query, wake)) {
            streams.run(exchange, event, wake, EVERY, allowed, () -> {
                following.renew();
                return part.render();
            });
        }
    }

    /** A watch that wakes a stream. Renewed and closed by the stream's thread. */
    private final class Following implements AutoCloseable {
        private final ResourceType type;
        private final Query query;
        private final LiveStreams.Wake wake;
        private final AtomicBoolean ended = new AtomicBoolean(true);
        private ResourceClient.Watch watch = () -> {};

        Following(ResourceType type, Query query, LiveStreams.Wake wake) {
            this.type = type;
            this.query = query;
            this.wake = wake;
        }

        /** Opens the watch anew if it has ended. */
        void renew() {
            if (!ended.compareAndSet(true, false)) {
                return;
            }
            watch.close();
            watch = resources.watch(type, query, "", new ResourceClient.WatchObserver() {
                @Override
                public void event(ResourceClient.EventType change, ObjectNode object) {
                    wake.up();
                }

                @Override
                public void closed(@Nullable ApiException error) {
                    ended.set(true);
                }
            });
        }

        @Override
        public void close() {
            watch.close();
        }
    }

    private static boolean live(Exchange exchange) {
        return exchange.header("Accept").orElse("").contains("text/event-stream");
    }

    private boolean allowed(Exchange exchange, String verb, ResourceType type, String namespace, String name)
            throws Exception {
        boolean allowed = decision(exchange, verb, type, namespace, name);
        if (!allowed) {
            refuse(
                    exchange,
                    403,
                    "Not for you",
                    "User " + exchange.identity().name() + " may not " + verb + " " + type.plural()
                            + (namespace.isEmpty() ? "" : " in namespace " + namespace)
                            + ". An administrator can grant it with a RoleBinding.");
        }
        return allowed;
    }

    private boolean decision(Exchange exchange, String verb, ResourceType type, String namespace, String name) {
        return authorizer
                .authorize(
                        exchange.identity(), new Authorizer.Action(verb, type.group(), type.plural(), namespace, name))
                .allowed();
    }

    private void refuse(Exchange exchange, int status, String heading, String text) throws Exception {
        exchange.status(status);
        layout.send(
                exchange, heading, Rendering.html((out, none) -> JterefusedGenerated.render(out, none, heading, text)));
    }

    static List<String> texts(JsonNode map) {
        return map.properties().stream()
                .map(field -> field.getValue().asText().isEmpty()
                        ? field.getKey()
                        : field.getKey() + "=" + field.getValue().asText())
                .toList();
    }

    static boolean oneOf(String text, String... words) {
        return Arrays.stream(words).anyMatch(text::equalsIgnoreCase);
    }
}
