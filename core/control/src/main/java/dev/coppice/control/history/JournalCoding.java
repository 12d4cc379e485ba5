package dev.coppice.control.history;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ResourceClient.ResourceType;
import dev.coppice.control.Trigger;
import dev.coppice.control.request.Json;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.InflaterInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Entries as the store keeps them: JSON; a long difference is compressed, that of a secret kept apart. Pure functions.
 */
final class JournalCoding {
    /** A difference longer than this, compressed, is left out of an entry. */
    static final int LONGEST_DIFFERENCE = 400 << 10;

    private static final int PLAIN = 1_024;
    private static final int MOST_FIELDS = 24;
    private static final int LONGEST_TEXT = 256;
    /** A bound on what is unpacked, against a damaged value. */
    private static final int LONGEST_UNPACKED = 64 << 20;

    private JournalCoding() {}

    /**
     * An entry that is about to be kept.
     *
     * @param secret the difference of a secret, which is to be sealed and kept apart; null for none
     * @param omitted whether the difference had to be left out
     */
    record Encoded(byte[] bytes, byte @Nullable [] secret, boolean omitted) {}

    static Encoded encode(Entry entry) {
        ObjectNode tree = Json.object().put("t", entry.timeMillis()).put("p", entry.previous());
        tree.put("o", entry.operation().name().toLowerCase(Locale.ROOT)).put("v", entry.verb());
        Entry.Subject s = entry.subject();
        tree.put("key", s.storageKey()).put("g", s.group()).put("ver", s.version());
        tree.put("r", s.plural()).put("k", s.kind()).put("n", s.name()).put("uid", s.uid());
        optional(tree, "ns", s.namespace());
        optional(tree, "sub", entry.subresource());
        Entry.Author a = entry.author();
        optional(tree, "u", a.user());
        optional(tree, "a", a.agent());
        optional(tree, "m", a.manager());
        optional(tree, "id", a.requestId());
        if (s.secret()) {
            tree.put("x", true);
        }
        if (!entry.triggers().isEmpty()) {
            ArrayNode triggers = tree.putArray("c");
            entry.triggers().forEach(each -> triggers.add(trigger(each)));
        }
        byte[] packed = null;
        boolean omitted = false;
        Difference difference = entry.difference();
        if (difference != null && !difference.fields().isEmpty()) {
            ArrayNode fields = tree.putArray("f");
            difference.fields().stream().limit(MOST_FIELDS).forEach(f -> fields.add(cut(f.shown())));
            packed = put(tree, difference, s.secret());
            omitted = tree.has("left");
        }
        return new Encoded(Json.bytes(tree), packed, omitted);
    }

    /** What has to be sealed and kept apart, if anything. */
    private static byte @Nullable [] put(ObjectNode tree, Difference difference, boolean secret) {
        ArrayNode plain = difference.tree();
        byte[] bytes = Json.bytes(plain);
        if (bytes.length <= PLAIN && !secret) {
            tree.set("d", plain);
            return null;
        }
        byte[] packed = pack(bytes);
        if (packed.length > LONGEST_DIFFERENCE) {
            tree.put("left", true);
            return null;
        }
        if (secret) {
            tree.put("s", true);
            return packed;
        }
        tree.put("z", Base64.getEncoder().encodeToString(packed));
        return null;
    }

    private static void optional(ObjectNode tree, String name, String value) {
        if (!value.isEmpty()) {
            tree.put(name, cut(value));
        }
    }

    private static String cut(String text) {
        return text.length() > LONGEST_TEXT ? text.substring(0, LONGEST_TEXT) : text;
    }

    private static ObjectNode trigger(Trigger trigger) {
        ObjectNode tree = Json.object();
        switch (trigger) {
            case Trigger.Change(ResourceType type, String namespace, String name, String version) ->
                tree.put("g", type.group())
                        .put("ver", type.version())
                        .put("r", type.plural())
                        .put("ns", namespace)
                        .put("n", name)
                        .put("rv", version);
            case Trigger.Timer(String owner, String key) ->
                tree.put("timer", cut(owner)).put("n", cut(key));
            case Trigger.Event(String what) -> tree.put("event", cut(what));
        }
        return tree;
    }

    private static Trigger trigger(JsonNode tree) {
        if (tree.has("timer")) {
            return new Trigger.Timer(text(tree, "timer"), text(tree, "n"));
        }
        if (tree.has("event")) {
            return new Trigger.Event(text(tree, "event"));
        }
        return new Trigger.Change(
                new ResourceType(text(tree, "g"), text(tree, "ver"), text(tree, "r")),
                text(tree, "ns"),
                text(tree, "n"),
                text(tree, "rv"));
    }

    private static String text(JsonNode tree, String name) {
        return tree.path(name).asText("");
    }

    /** Reads an entry; {@code secrets} gives the difference of a secret, if it can be opened. */
    static Entry decode(String id, long revision, byte[] bytes, Supplier<byte @Nullable []> secrets) {
        ObjectNode tree = Json.parse(bytes);
        Entry.Subject subject = new Entry.Subject(
                text(tree, "key"),
                text(tree, "g"),
                text(tree, "ver"),
                text(tree, "r"),
                text(tree, "k"),
                text(tree, "ns"),
                text(tree, "n"),
                text(tree, "uid"),
                tree.path("x").asBoolean());
        List<Trigger> triggers = new ArrayList<>();
        tree.path("c").forEach(each -> triggers.add(trigger(each)));
        return new Entry(
                id,
                revision,
                tree.path("p").asLong(),
                tree.path("t").asLong(),
                Entry.Operation.valueOf(text(tree, "o").toUpperCase(Locale.ROOT)),
                text(tree, "v"),
                subject,
                text(tree, "sub"),
                new Entry.Author(text(tree, "u"), text(tree, "a"), text(tree, "m"), text(tree, "id")),
                List.copyOf(triggers),
                Json.list(tree.path("f")),
                difference(tree, secrets));
    }

    private static @Nullable Difference difference(ObjectNode tree, Supplier<byte @Nullable []> secrets) {
        if (tree.has("d")) {
            return Difference.of(tree.path("d"));
        }
        if (tree.has("z")) {
            return unpacked(Base64.getDecoder().decode(text(tree, "z")));
        }
        if (tree.has("s")) {
            byte[] opened = secrets.get();
            return opened == null ? null : unpacked(opened);
        }
        return tree.has("left") ? null : Difference.NONE;
    }

    private static byte[] pack(byte[] bytes) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(bytes.length / 3 + 64);
        try (DeflaterOutputStream packed = new DeflaterOutputStream(out)) {
            packed.write(bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return out.toByteArray();
    }

    private static Difference unpacked(byte[] packed) {
        try (InflaterInputStream in = new InflaterInputStream(new java.io.ByteArrayInputStream(packed))) {
            return Difference.of(Json.mapper().readTree(in.readNBytes(LONGEST_UNPACKED)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
