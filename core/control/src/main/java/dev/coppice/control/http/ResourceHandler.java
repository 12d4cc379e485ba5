package dev.coppice.control.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.ComputedSource;
import dev.coppice.control.audit.AuditedExchange;
import dev.coppice.control.engine.Caller;
import dev.coppice.control.engine.DeleteOptions;
import dev.coppice.control.engine.Engine;
import dev.coppice.control.engine.Outcome;
import dev.coppice.control.engine.Reader;
import dev.coppice.control.engine.Scales;
import dev.coppice.control.engine.Target;
import dev.coppice.control.engine.WriteOptions;
import dev.coppice.control.history.History;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.ListOptions;
import dev.coppice.control.request.RequestPath;
import dev.coppice.control.request.Selectors;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.BuiltInSchemas;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.storage.CachedObject;
import dev.coppice.schema.Cause;
import dev.coppice.schema.builtin.BuiltinDecoding;
import dev.coppice.serving.Exchange;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The verbs over HTTP, of requests that are authorized. Safe for use by many threads. */
public final class ResourceHandler {
    private static final byte[] COMMA = {','};
    private static final byte[] LIST_END = {']', '}', '\n'};
    private static final String DELETE_OPTIONS = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";

    private final Engine engine;
    private final Reader reader;
    private final Reviews reviews;
    private final History history;

    /** Answers the types that have no objects, and sub-resources that are actions. */
    @FunctionalInterface
    public interface Reviews {
        ObjectNode create(Target target, ObjectNode body, Caller caller);
    }

    public ResourceHandler(Engine engine, Reader reader, Reviews reviews, History history) {
        this.history = history;
        this.engine = engine;
        this.reader = reader;
        this.reviews = reviews;
    }

    History history() {
        return history;
    }

    String newRequestId() {
        return engine.newUid();
    }

    void handle(Exchange exchange, Caller caller, Definition d, RequestPath path, String verb) throws IOException {
        MediaType media = MediaType.of(exchange.header("Accept").orElse(""));
        String namespace = d.namespaced() ? path.namespace() : "";
        Target target = new Target(d, namespace, path.name(), path.subresource());
        if (d.computed() != null && !target.subresource().isEmpty()) {
            part(exchange, media, d.computed(), target, verb);
            return;
        }
        switch (verb) {
            case "get" -> get(exchange, media, target);
            case "list" -> list(exchange, caller, media, target, options(exchange, path));
            case "watch" -> watch(exchange, media, target, path);
            case "create" -> create(exchange, caller, media, target);
            case "update" -> update(exchange, caller, media, target);
            case "patch" -> patch(exchange, caller, media, target);
            case "delete" -> delete(exchange, caller, media, target);
            case "deletecollection" -> deleteCollection(exchange, caller, media, target, options(exchange, path));
            default -> throw Statuses.methodNotAllowed();
        }
    }

    private static ListOptions options(Exchange exchange, RequestPath path) {
        return ListOptions.of(exchange.queries(), path.watch());
    }

    private static void part(Exchange exchange, MediaType media, ComputedSource source, Target target, String verb)
            throws IOException {
        for (ComputedSource.Part part : source.parts()) {
            if (part.name().equals(target.subresource())) {
                byte[] bytes = Bodies.read(exchange);
                ObjectNode body = bytes.length == 0 ? Json.object() : Bodies.object(exchange, bytes);
                ObjectNode answer = part.action().run(verb, target.namespace(), target.name(), body);
                MediaType plain = media.shape() == MediaType.Shape.OBJECT ? media : MediaType.JSON;
                write(exchange, plain, verb.equals("create") ? 201 : 200, answer);
                return;
            }
        }
        throw Statuses.noSuchPath();
    }

    // ---- reading

    private void get(Exchange exchange, MediaType media, Target target) throws IOException {
        CachedObject found =
                reader.get(target, exchange.query("resourceVersion").orElse(""));
        if (found == null) {
            throw target.notFound();
        }
        Definition d = target.definition();
        if (media.shape() == MediaType.Shape.OBJECT
                && !media.yaml()
                && d.storedVersion()
                && !target.subresource().equals("scale")) {
            exchange.status(200).setHeader("Content-Type", "application/json");
            exchange.send(found.json());
            return;
        }
        ObjectNode object = Engine.served(d, found);
        send(exchange, media, 200, d, target.subresource().equals("scale") ? Scales.of(d, object) : object);
    }

    private void watch(Exchange exchange, MediaType media, Target target, RequestPath path) throws IOException {
        ListOptions options = options(exchange, path);
        if (!target.name().isEmpty()) {
            var terms = new ArrayList<>(options.fields().terms());
            terms.add(new Selectors.FieldTerm("metadata.name", true, target.name()));
            options = new ListOptions(
                    options.labels(),
                    new Selectors.FieldSelector(terms),
                    true,
                    options.bookmarks(),
                    options.resourceVersion(),
                    options.match(),
                    0,
                    "",
                    options.sendInitialEvents(),
                    options.timeoutSeconds());
        }
        new WatchStream(
                        engine.kernel(),
                        engine.feed(),
                        target.definition(),
                        target.namespace(),
                        options,
                        media,
                        exchange.query("includeObject").orElse("Metadata"))
                .run(exchange);
    }

    private void list(Exchange exchange, Caller caller, MediaType media, Target target, ListOptions options)
            throws IOException {
        Definition d = target.definition();
        Reader.Listing listing = reader.list(d, target.namespace(), options);
        listing.warnings().forEach(caller::warn);
        warnings(exchange, caller);
        ObjectNode meta = Json.object();
        if (d.computed() == null) {
            meta.put("resourceVersion", Long.toString(listing.revision()));
        }
        if (!listing.continueToken().isEmpty()) {
            meta.put("continue", listing.continueToken());
            if (listing.remaining() >= 0) {
                meta.put("remainingItemCount", listing.remaining());
            }
        }
        switch (media.shape()) {
            case TABLE -> {
                ObjectNode table = Tables.table(d, true, "");
                table.set("metadata", meta);
                String include = exchange.query("includeObject").orElse("Metadata");
                List<ObjectNode> served = Engine.served(d, listing.objects());
                for (int i = 0; i < served.size(); i++) {
                    ObjectNode cells = d.custom()
                            ? served.get(i)
                            : listing.objects().get(i).tree();
                    Tables.addRow(
                            table,
                            d,
                            cells,
                            served.get(i),
                            include,
                            engine.kernel().clock().now());
                }
                write(exchange, media, 200, table);
            }
            case PARTIAL -> {
                ObjectNode list =
                        Json.object().put("kind", "PartialObjectMetadataList").put("apiVersion", "meta.k8s.io/v1");
                list.set("metadata", meta);
                var items = list.putArray("items");
                Engine.served(d, listing.objects()).forEach(o -> items.add(Tables.partial(o)));
                write(exchange, media, 200, list);
            }
            case OBJECT -> {
                List<byte[]> body = listBytes(d, meta, listing.objects());
                if (media.yaml()) {
                    write(exchange, media, 200, Json.parse(Exchange.joined(body)));
                } else {
                    exchange.status(200).setHeader("Content-Type", "application/json");
                    exchange.send(body);
                }
            }
        }
    }

    /** A list, in parts: the bytes of its items, as the cache has them, and what stands between them. */
    private static List<byte[]> listBytes(Definition d, ObjectNode meta, List<CachedObject> objects) {
        List<byte[]> parts = new ArrayList<>(2 * objects.size() + 2);
        parts.add(("{\"kind\":\"" + d.listKind() + "\",\"apiVersion\":\"" + d.apiVersion() + "\",\"metadata\":"
                        + Json.text(meta) + ",\"items\":[")
                .getBytes(StandardCharsets.UTF_8));
        List<ObjectNode> converted = d.storedVersion() ? List.of() : Engine.served(d, objects);
        for (int i = 0; i < objects.size(); i++) {
            if (i > 0) {
                parts.add(COMMA);
            }
            parts.add(d.storedVersion() ? objects.get(i).json() : Json.bytes(converted.get(i)));
        }
        parts.add(LIST_END);
        return parts;
    }

    // ---- writing

    static WriteOptions writeOptions(Exchange exchange, String kind, boolean apply) {
        List<Cause> causes = new ArrayList<>();
        List<String> dryRun = exchange.queries().getOrDefault("dryRun", List.of());
        boolean dry = dryRun(dryRun, causes);
        String manager = exchange.query("fieldManager").orElse("");
        if (manager.length() > 128) {
            causes.add(Cause.tooLong("fieldManager", 128));
        }
        boolean forceGiven = exchange.query("force").isPresent();
        if (apply) {
            if (manager.isEmpty()) {
                causes.add(Cause.required("fieldManager", "is required for apply patch"));
            }
        } else if (forceGiven && kind.equals("PatchOptions")) {
            causes.add(Cause.forbidden("force", "may not be specified for non-apply patch"));
        }
        String validation = exchange.query("fieldValidation").orElse("");
        if (!validation.isEmpty() && !List.of("Ignore", "Warn", "Strict").contains(validation)) {
            causes.add(Statuses.unsupported("fieldValidation", Statuses.quote(validation), "Ignore", "Strict", "Warn"));
        }
        if (!causes.isEmpty()) {
            throw Statuses.invalidOptions(kind, causes);
        }
        boolean force = exchange.query("force")
                .map(f -> !f.equals("false") && !f.equals("0"))
                .orElse(false);
        return new WriteOptions(dry, manager, validation.isEmpty() ? "Warn" : validation, force);
    }

    private static boolean dryRun(List<String> values, List<Cause> causes) {
        List<String> given = values.stream().filter(v -> !v.isEmpty()).toList();
        if (given.isEmpty()) {
            return false;
        }
        if (!given.stream().allMatch("All"::equals)) {
            String shown = "[]string{"
                    + String.join(", ", given.stream().map(Statuses::quote).toList()) + "}";
            causes.add(Statuses.unsupported("dryRun", shown, "All"));
        }
        return true;
    }

    private void create(Exchange exchange, Caller caller, MediaType media, Target target) throws IOException {
        WriteOptions options = writeOptions(exchange, "CreateOptions", false);
        ObjectNode body = Bodies.object(exchange, Bodies.read(exchange));
        Definition d = target.definition();
        if (!d.stored() || !target.subresource().isEmpty()) {
            String kind = target.subresource().isEmpty() ? d.kind() : "TokenRequest";
            String group = target.subresource().isEmpty() ? d.group() : "authentication.k8s.io";
            String wrong = BuiltInSchemas.wrongType(group, "v1", kind, body);
            if (wrong != null) {
                throw Statuses.badRequest(kind + " in version \"v1\" cannot be handled as a " + kind + ": " + wrong);
            }
            ObjectNode answer = reviews.create(target, body, caller);
            warnings(exchange, caller);
            write(exchange, media.shape() == MediaType.Shape.OBJECT ? media : MediaType.JSON, 201, answer);
            return;
        }
        Outcome outcome = engine.create(target, body, options, caller);
        warnings(exchange, caller);
        send(exchange, media, 201, d, outcome.object());
    }

    private void update(Exchange exchange, Caller caller, MediaType media, Target target) throws IOException {
        WriteOptions options = writeOptions(exchange, "UpdateOptions", false);
        ObjectNode body = Bodies.object(exchange, Bodies.read(exchange));
        Outcome outcome = target.subresource().equals("scale")
                ? scale(target, options, caller, scale -> body)
                : engine.update(target, body, options, caller);
        answer(exchange, caller, media, target, outcome);
    }

    private void answer(Exchange exchange, Caller caller, MediaType media, Target target, Outcome outcome)
            throws IOException {
        warnings(exchange, caller);
        Definition d = target.definition();
        ObjectNode shown = target.subresource().equals("scale") ? Scales.of(d, outcome.object()) : outcome.object();
        send(exchange, media, outcome.created() ? 201 : 200, d, shown);
    }

    private Outcome scale(
            Target target, WriteOptions options, Caller caller, java.util.function.UnaryOperator<ObjectNode> change) {
        Definition d = target.definition();
        return engine.write(
                target,
                old -> {
                    if (old == null) {
                        throw target.notFound();
                    }
                    ObjectNode scale = change.apply(Scales.of(d, old));
                    JsonNode replicas = scale.path("spec").path("replicas");
                    if (!replicas.isMissingNode() && !replicas.isInt()) {
                        throw Statuses.invalid(
                                "",
                                "",
                                "",
                                List.of(Cause.invalidShown(
                                        "patch",
                                        Json.text(scale),
                                        "json: cannot unmarshal "
                                                + replicas.getNodeType().name().toLowerCase(java.util.Locale.ROOT)
                                                + " into Go struct field ScaleSpec.spec.replicas of type int32")));
                    }
                    Scales.into(d, old, scale);
                    return old;
                },
                options,
                caller,
                true,
                true);
    }

    private void patch(Exchange exchange, Caller caller, MediaType media, Target target) throws IOException {
        String type = Bodies.type(exchange);
        boolean apply = type.equals(Patches.APPLY);
        if (!Patches.supported(target.definition(), type)) {
            throw Patches.unsupported(target.definition());
        }
        WriteOptions options = writeOptions(exchange, "PatchOptions", apply);
        byte[] bytes = Bodies.read(exchange);
        Outcome outcome;
        if (apply) {
            JsonNode config = Bodies.yaml(bytes);
            AuditedExchange.request(exchange, config);
            if (!(config instanceof ObjectNode configuration)) {
                throw Statuses.badRequest("error decoding YAML: the configuration is no object");
            }
            outcome = engine.apply(target, configuration, options, caller);
        } else {
            JsonNode patch = Bodies.json(bytes);
            AuditedExchange.request(exchange, patch);
            boolean scale = target.subresource().equals("scale");
            java.util.function.UnaryOperator<ObjectNode> merge =
                    old -> Patches.merge(target.definition(), type, old, patch, scale);
            outcome = scale ? scale(target, options, caller, merge) : engine.patch(target, merge, options, caller);
        }
        answer(exchange, caller, media, target, outcome);
    }

    // ---- deleting

    private static DeleteOptions deleteOptions(Exchange exchange) throws IOException {
        byte[] bytes = Bodies.read(exchange);
        ObjectNode body = bytes.length == 0 ? Json.object() : Bodies.object(exchange, bytes);
        String wrong = BuiltinDecoding.error(DELETE_OPTIONS, body);
        if (wrong != null) {
            throw Statuses.badRequest("the body is no DeleteOptions: " + wrong);
        }
        List<Cause> causes = new ArrayList<>();
        List<String> dryRun = new ArrayList<>(Json.list(body.path("dryRun")));
        if (bytes.length == 0) {
            dryRun.addAll(exchange.queries().getOrDefault("dryRun", List.of()));
        }
        if (bytes.length > 0 && dryRun.isEmpty()) {
            dryRun.addAll(exchange.queries().getOrDefault("dryRun", List.of()));
        }
        boolean dry = dryRun(dryRun, causes);
        String policy = body.path("propagationPolicy")
                .asText(exchange.query("propagationPolicy").orElse(""));
        JsonNode orphan = body.path("orphanDependents");
        Optional<String> orphanQuery = exchange.query("orphanDependents");
        boolean orphanGiven = orphan.isBoolean() || orphanQuery.isPresent();
        if (!policy.isEmpty() && !List.of("Background", "Foreground", "Orphan").contains(policy)) {
            causes.add(Statuses.unsupported(
                    "propagationPolicy", Statuses.quote(policy), "Background", "Foreground", "Orphan"));
        }
        if (orphanGiven && !policy.isEmpty()) {
            causes.add(Cause.invalid(
                    "propagationPolicy", policy, "orphanDependents and deletionPropagation cannot be both set"));
        }
        if (!causes.isEmpty()) {
            throw Statuses.invalidOptions("DeleteOptions", causes);
        }
        if (orphanGiven) {
            boolean keep = orphan.isBoolean()
                    ? orphan.asBoolean()
                    : orphanQuery.orElse("").equals("true");
            policy = keep ? "Orphan" : "Background";
        }
        JsonNode preconditions = body.path("preconditions");
        return new DeleteOptions(
                dry,
                policy,
                preconditions.path("uid").asText(""),
                preconditions.path("resourceVersion").asText(""));
    }

    private void delete(Exchange exchange, Caller caller, MediaType media, Target target) throws IOException {
        DeleteOptions options = deleteOptions(exchange);
        Definition d = target.definition();
        Engine.Deleted deleted = engine.delete(target, options, caller);
        warnings(exchange, caller);
        if (deleted.held()) {
            send(exchange, media, 200, d, deleted.object());
        } else {
            write(
                    exchange,
                    new MediaType(media.yaml(), MediaType.Shape.OBJECT),
                    200,
                    Statuses.deleted(
                            d.group(), d.plural(), target.name(), Json.text(deleted.object(), "metadata", "uid")));
        }
    }

    private void deleteCollection(Exchange exchange, Caller caller, MediaType media, Target target, ListOptions list)
            throws IOException {
        DeleteOptions options = deleteOptions(exchange);
        Definition d = target.definition();
        Reader.Listing listing = reader.list(d, target.namespace(), list);
        List<CachedObject> deleted = new ArrayList<>();
        for (CachedObject o : listing.objects()) {
            try {
                Engine.Deleted unused = engine.delete(Target.of(d, o.namespace(), o.name()), options, caller);
                assert unused != null;
                deleted.add(o);
            } catch (ApiException e) {
                if (e.code() != 404) {
                    throw e;
                }
            }
        }
        warnings(exchange, caller);
        ObjectNode meta = Json.object().put("resourceVersion", Long.toString(listing.revision()));
        write(
                exchange,
                new MediaType(media.yaml(), MediaType.Shape.OBJECT),
                200,
                Json.parse(Exchange.joined(listBytes(d, meta, deleted))));
    }

    // ---- answering

    private static void warnings(Exchange exchange, Caller caller) {
        for (String w : caller.warnings()) {
            String clean = w.replaceAll("[\\r\\n\\x00-\\x1f]", " ");
            exchange.addHeader(
                    "Warning", "299 - \"" + clean.replace("\\", "\\\\").replace("\"", "\\\"") + "\"");
        }
    }

    private void send(Exchange exchange, MediaType media, int code, Definition d, ObjectNode object)
            throws IOException {
        switch (media.shape()) {
            case OBJECT -> write(exchange, media, code, object);
            case PARTIAL -> write(exchange, media, code, Tables.partial(object));
            case TABLE -> {
                ObjectNode table = Tables.table(d, true, Json.text(object, "metadata", "resourceVersion"));
                ObjectNode stored =
                        d.storedVersion() || d.custom() ? object : d.toStored().apply(object.deepCopy());
                String include = exchange.query("includeObject").orElse("Metadata");
                Tables.addRow(
                        table,
                        d,
                        stored,
                        object,
                        include,
                        engine.kernel().clock().now());
                write(exchange, media, code, table);
            }
        }
    }

    private static void write(Exchange exchange, MediaType media, int code, JsonNode node) throws IOException {
        exchange.status(code).setHeader("Content-Type", media.contentType());
        if (media.yaml()) {
            AuditedExchange.response(exchange, node);
        }
        exchange.send(media.yaml() ? Bodies.writeYaml(node) : Json.bytes(node));
    }
}
