package dev.coppice.kernel;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Estimates how much memory hangs on an object, by a walk with a bound. It follows arrays, the collections of the JDK,
 * records, and objects of the root's own package; whatever else it finds counts with its own fields alone, since it is most
 * likely shared. Classes, threads, and the kernel's own parts are left out.
 *
 * <p>The walk reads while others may write: what it finds is an estimate, and a collection that changes under it is counted
 * as far as it was read.
 */
final class Footprint {
    private static final int HEADER = 12;
    private static final int REFERENCE = 4;
    private static final int ENTRY = 36;
    private static final int UNKNOWN = 32;

    /** The fields of a class and its superclasses. */
    private record Shape(long bytes, List<Field> references) {}

    private static final ClassValue<Shape> SHAPES = new ClassValue<>() {
        @Override
        protected Shape computeValue(Class<?> type) {
            return shape(type);
        }
    };

    private final String home;
    private final int limit;
    private final Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    private final ArrayDeque<Object> waiting = new ArrayDeque<>();
    private long bytes;
    private boolean cut;

    /**
     * What was found.
     *
     * @param objects how many were looked at
     * @param cut whether the bound ended the walk, so that it is more
     */
    record Size(long bytes, int objects, boolean cut) {
        static final Size NONE = new Size(0, 0, false);
    }

    private Footprint(Object root, int limit) {
        this.home = root.getClass().getPackageName();
        this.limit = limit;
    }

    /** What hangs on {@code root}, itself included; at most {@code limit} objects are looked at. */
    static Size of(@Nullable Object root, int limit) {
        if (root == null || limit <= 0) {
            return new Size(0, 0, root != null);
        }
        Footprint footprint = new Footprint(root, limit);
        footprint.walk(root);
        return new Size(footprint.bytes, footprint.seen.size(), footprint.cut);
    }

    /** The bytes of an object of this class alone. */
    static long shallow(Class<?> type) {
        return SHAPES.get(type).bytes;
    }

    private void walk(Object root) {
        add(root);
        Object next = waiting.poll();
        while (next != null) {
            measure(next, next == root);
            next = waiting.poll();
        }
    }

    private void add(@Nullable Object found) {
        if (found == null || foreign(found)) {
            return;
        }
        if (seen.size() >= limit) {
            cut = cut || !seen.contains(found);
        } else if (seen.add(found)) {
            waiting.add(found);
        }
    }

    private static boolean foreign(Object found) {
        return found instanceof Class
                || found instanceof Enum
                || found instanceof Thread
                || found instanceof ClassLoader
                || found instanceof Kernel
                || found instanceof Supervisor
                || found instanceof Supervisor.Child
                || found instanceof ProcessRef
                || found instanceof ProcessContext
                || found instanceof Run;
    }

    private void measure(Object object, boolean root) {
        Class<?> type = object.getClass();
        if (type.isArray()) {
            array(object, type);
        } else if (object instanceof String text) {
            bytes += aligned(HEADER + 12) + aligned(16L + text.length());
        } else if (type.getName().startsWith("java.")) {
            library(object);
        } else {
            Shape shape = SHAPES.get(type);
            bytes += shape.bytes;
            if (root || type.isRecord() || type.getPackageName().startsWith(home)) {
                shape.references.forEach(field -> add(value(field, object)));
            }
        }
    }

    private void array(Object object, Class<?> type) {
        int length = Array.getLength(object);
        bytes += aligned(16 + (long) length * width(type.getComponentType()));
        if (object instanceof Object[] items) {
            for (int i = 0; i < items.length && !cut; i++) {
                add(items[i]);
            }
        }
    }

    /** What the JDK's own fields hold is not open to others; its collections are. */
    private void library(Object object) {
        bytes += UNKNOWN;
        try {
            switch (object) {
                case WeakHashMap<?, ?> _ -> {} // reading it changes it
                case ConcurrentLinkedQueue<?> queue -> items(queue);
                case ConcurrentLinkedDeque<?> queue -> items(queue);
                case Map<?, ?> map -> {
                    bytes += (long) map.size() * ENTRY;
                    for (Map.Entry<?, ?> entry : map.entrySet()) {
                        if (cut) {
                            return;
                        }
                        add(entry.getKey());
                        add(entry.getValue());
                    }
                }
                case ArrayList<?> list -> {
                    bytes += (long) list.size() * REFERENCE;
                    items(list);
                }
                case Collection<?> collection -> {
                    bytes += (long) collection.size() * ENTRY;
                    items(collection);
                }
                case Optional<?> optional -> add(optional.orElse(null));
                case AtomicReference<?> reference -> add(reference.get());
                default -> {}
            }
        } catch (RuntimeException e) {
            cut = true; // it changed while it was read
        }
    }

    private void items(Iterable<?> items) {
        for (Object item : items) {
            if (cut) {
                return;
            }
            add(item);
        }
    }

    private static @Nullable Object value(Field field, Object object) {
        try {
            return field.get(object);
        } catch (IllegalAccessException | IllegalArgumentException e) {
            return null;
        }
    }

    private static Shape shape(Class<?> type) {
        long size = HEADER;
        List<Field> references = new ArrayList<>();
        for (Class<?> at = type; at != null && at != Object.class; at = at.getSuperclass()) {
            for (Field field : at.getDeclaredFields()) {
                if (Modifier.isStatic(field.getModifiers())) {
                    continue;
                }
                size += width(field.getType());
                if (!field.getType().isPrimitive() && field.trySetAccessible()) {
                    references.add(field);
                }
            }
        }
        return new Shape(aligned(size), List.copyOf(references));
    }

    private static int width(Class<?> type) {
        if (type == long.class || type == double.class) {
            return 8;
        }
        if (type == int.class || type == float.class || !type.isPrimitive()) {
            return 4;
        }
        return type == char.class || type == short.class ? 2 : 1;
    }

    private static long aligned(long bytes) {
        return (bytes + 7) & ~7L;
    }
}
