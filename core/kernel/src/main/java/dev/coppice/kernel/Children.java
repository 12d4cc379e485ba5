package dev.coppice.kernel;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The children of one supervisor in the order in which they were added: a list through the children themselves, so that one
 * more costs two references, and a map of those that have names of their own. Guarded by the supervisor's lock.
 */
final class Children {
    /** Stands between the name and the number of a spawned process. */
    static final char NUMBER = '#';

    private final Map<String, ChildNode> named = new HashMap<>();
    private @Nullable ChildNode first;
    private @Nullable ChildNode last;
    private int size;
    private long numbers;

    int size() {
        return size;
    }

    /** A number that no child of this supervisor had before. */
    long nextNumber() {
        return ++numbers;
    }

    /** Adds a child at the end; false when its name is taken. */
    boolean add(ChildNode child) {
        if (!(child instanceof NumberedAddress<?>) && named.putIfAbsent(child.childName(), child) != null) {
            return false;
        }
        child.before = last;
        if (last == null) {
            first = child;
        } else {
            last.after = child;
        }
        last = child;
        size++;
        return true;
    }

    /** Removes a child; false when it is not here. */
    boolean remove(ChildNode child) {
        if (child instanceof NumberedAddress<?>) {
            if (child.before == null && first != child) {
                return false;
            }
        } else if (!named.remove(child.childName(), child)) {
            return false;
        }
        if (child.before == null) {
            first = child.after;
        } else {
            child.before.after = child.after;
        }
        if (child.after == null) {
            last = child.before;
        } else {
            child.after.before = child.before;
        }
        child.before = null;
        child.after = null;
        size--;
        return true;
    }

    @Nullable
    ChildNode find(String name) {
        ChildNode child = named.get(name);
        int at = name.lastIndexOf(NUMBER);
        if (child != null || at < 0) {
            return child;
        }
        // Rare: somebody looks at one of the spawned by its name.
        for (ChildNode each = first; each != null; each = each.after) {
            if (each instanceof NumberedAddress<?> && each.childName().equals(name)) {
                return each;
            }
        }
        return null;
    }

    /** Those that a strategy restarts when one ended, in order. */
    List<ChildNode> group(SupervisorOptions.Strategy strategy, ChildNode ended) {
        return switch (strategy) {
            case ONE_FOR_ONE -> List.of(ended);
            case ONE_FOR_ALL -> inOrder(size);
            case REST_FOR_ONE -> {
                List<ChildNode> all = inOrder(size);
                int at = all.indexOf(ended);
                yield at < 0 ? List.of() : all.subList(at, all.size());
            }
        };
    }

    /** The first of them, at most {@code limit}. */
    List<ChildNode> inOrder(int limit) {
        List<ChildNode> all = new ArrayList<>(Math.min(size, limit));
        for (ChildNode each = first; each != null && all.size() < limit; each = each.after) {
            all.add(each);
        }
        return all;
    }
}
