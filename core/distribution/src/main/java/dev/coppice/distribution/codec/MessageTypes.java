package dev.coppice.distribution.codec;

import dev.coppice.kernel.ProcessRef;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.lang.reflect.WildcardType;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The classes that may travel between nodes: records and enums that were registered, and nothing else. Bytes never name a
 * class; they name a registered shape, by a hash of its name and components, so a node with another version of a record
 * does not misread it but refuses it. Safe for use by many threads.
 *
 * <p>A component is a primitive, {@code String}, {@code byte[]}, {@code Duration}, {@code Instant}, {@code UUID}, an enum, a
 * record, a sealed interface of records, {@code ProcessRef}, {@code Consumer} (to answer with), or a {@code List},
 * {@code Set}, {@code Map} or {@code Optional} of these. Records, enums and sealed interfaces that are mentioned are
 * registered along.
 */
public final class MessageTypes {
    private static final Set<Class<?>> PLAIN = Set.of(
            boolean.class,
            byte.class,
            short.class,
            char.class,
            int.class,
            long.class,
            float.class,
            double.class,
            Boolean.class,
            Byte.class,
            Short.class,
            Character.class,
            Integer.class,
            Long.class,
            Float.class,
            Double.class,
            String.class,
            byte[].class,
            Duration.class,
            Instant.class,
            UUID.class);

    private final Map<Class<?>, Shape> byClass = new ConcurrentHashMap<>();
    private final Map<Long, Shape> byId = new ConcurrentHashMap<>();

    /** With these classes. */
    public static MessageTypes of(Class<?>... types) {
        return new MessageTypes().register(types);
    }

    /**
     * Registers records, enums, and sealed interfaces of them; what is registered already stays.
     *
     * @throws IllegalArgumentException naming everything that cannot travel; nothing is registered then
     */
    public synchronized MessageTypes register(Class<?>... types) {
        Map<Class<?>, Shape> fresh = new LinkedHashMap<>();
        List<String> problems = new ArrayList<>();
        for (Class<?> type : types) {
            visit(type, type.getName(), fresh, problems);
        }
        fresh.values().forEach(shape -> {
            Shape other = byId.get(shape.id());
            if (other != null) {
                problems.add(shape.type().getName() + ": has the same hash as "
                        + other.type().getName() + "; rename one of them");
            }
        });
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", problems));
        }
        byClass.putAll(fresh);
        fresh.values().forEach(shape -> byId.put(shape.id(), shape));
        return this;
    }

    private void visit(Class<?> type, String where, Map<Class<?>, Shape> fresh, List<String> problems) {
        if (PLAIN.contains(type) || byClass.containsKey(type) || fresh.containsKey(type)) {
            return;
        }
        if (type.isSealed() && type.isInterface()) {
            for (Class<?> permitted : type.getPermittedSubclasses()) {
                visit(permitted, where, fresh, problems);
            }
        } else if (type.isRecord() || type.isEnum()) {
            Shape shape = Shape.of(type);
            fresh.put(type, shape);
            if (type.isRecord()) {
                for (RecordComponent each : type.getRecordComponents()) {
                    check(each.getGenericType(), type.getName() + "." + each.getName(), fresh, problems);
                }
            }
        } else {
            problems.add(where + ": " + type.getName()
                    + " cannot travel: expected a record, an enum, a sealed interface" + " of records, or plain data");
        }
    }

    private void check(Type type, String where, Map<Class<?>, Shape> fresh, List<String> problems) {
        switch (type) {
            case Class<?> plain -> checkClass(plain, where, fresh, problems);
            case WildcardType wild -> check(bound(wild), where, fresh, problems);
            case ParameterizedType generic -> {
                Class<?> raw = (Class<?>) generic.getRawType();
                if (raw == ProcessRef.class) {
                    return;
                }
                boolean container = raw == List.class
                        || raw == Set.class
                        || raw == Map.class
                        || raw == Optional.class
                        || raw == Consumer.class;
                if (!container) {
                    visit(raw, where, fresh, problems);
                }
                for (Type each : generic.getActualTypeArguments()) {
                    check(each, where, fresh, problems);
                }
            }
            default ->
                problems.add(where + ": " + type + " is not known before it runs: expected a type without variables");
        }
    }

    private void checkClass(Class<?> type, String where, Map<Class<?>, Shape> fresh, List<String> problems) {
        boolean raw = type == ProcessRef.class || type == Void.class;
        if (!raw) {
            visit(type, where, fresh, problems);
        }
    }

    /** {@code ? super R} of a function to answer with, {@code ? extends T} of a list. */
    private static Type bound(WildcardType wild) {
        return wild.getLowerBounds().length > 0 ? wild.getLowerBounds()[0] : wild.getUpperBounds()[0];
    }

    /** How many classes may travel. */
    public int size() {
        return byClass.size();
    }

    Shape shape(Class<?> type) {
        Shape found = byClass.get(type);
        if (found == null && type.isAnonymousClass() && type.getSuperclass().isEnum()) {
            found = byClass.get(type.getSuperclass());
        }
        if (found == null) {
            throw new MessageException(type.getName()
                    + " is not registered: give it to MessageTypes.register on all nodes before it is sent");
        }
        return found;
    }

    @Nullable
    Shape shape(long id) {
        return byId.get(id);
    }
}
