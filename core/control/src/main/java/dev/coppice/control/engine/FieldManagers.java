package dev.coppice.control.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Registry;
import dev.coppice.schema.Cause;
import dev.coppice.schema.Schema;
import dev.coppice.schema.apply.ApplyConflictException;
import dev.coppice.schema.apply.ApplyException;
import dev.coppice.schema.apply.FieldManager;
import dev.coppice.schema.apply.FieldSet;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Field management by the schemas of the registry. */
public final class FieldManagers implements FieldManagement {
    private final Registry registry;

    public FieldManagers(Registry registry) {
        this.registry = registry;
    }

    private FieldManager manager(Definition d, String subresource) {
        FieldManager manager = FieldManager.of(d.apiVersion(), d.schema())
                .withSubresource(subresource)
                .withVersions(apiVersion -> other(d, apiVersion));
        return subresource.isEmpty() && d.statusApart() ? manager.ignoring(FieldSet.of("status")) : manager;
    }

    private @Nullable Schema other(Definition d, String apiVersion) {
        if (apiVersion.equals(d.apiVersion())) {
            return d.schema();
        }
        Definition found = registry.snapshot().kind(apiVersion, d.kind());
        return found == null ? null : found.schema();
    }

    @Override
    public ObjectNode apply(
            Definition definition,
            @Nullable ObjectNode live,
            ObjectNode configuration,
            String manager,
            String subresource,
            boolean force,
            String time) {
        try {
            return manager(definition, subresource).apply(live, configuration, manager, force, Instant.parse(time));
        } catch (ApplyConflictException e) {
            throw conflict(e);
        } catch (ApplyException e) {
            String message = String.valueOf(e.getMessage());
            throw e.badRequest() ? Statuses.badRequest(message) : Statuses.unknown(message);
        }
    }

    private static ApiException conflict(ApplyConflictException e) {
        ApiException plain = Statuses.of(409, "Conflict", String.valueOf(e.getMessage()));
        ArrayNode causes = plain.status().putObject("details").putArray("causes");
        for (Cause cause : e.causes()) {
            causes.addObject()
                    .put("reason", cause.reason())
                    .put("message", cause.message())
                    .put("field", cause.field());
        }
        return plain;
    }

    @Override
    public void track(
            Definition definition,
            @Nullable ObjectNode live,
            ObjectNode updated,
            String manager,
            String subresource,
            String time) {
        ObjectNode result = manager(definition, subresource).update(live, updated, manager, Instant.parse(time));
        JsonNode managed = result.path("metadata").get("managedFields");
        if (managed == null) {
            Json.metadata(updated).remove("managedFields");
        } else {
            Json.metadata(updated).set("managedFields", managed);
        }
    }
}
