package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Values by range of keys: gives those whose range holds a key, at a cost that grows with the logarithm of the number of
 * ranges. A search tree by start of the range, kept in balance by chance, in which each node knows the furthest end below it.
 * Used by one thread at a time.
 */
final class RangeIndex<V> {

    private static final Comparator<ByteString> ORDER = ByteString.unsignedLexicographicalComparator();

    private static final class Node<V> {
        private final ByteString start;
        /** Null when the range goes to the end of all keys. */
        private final @Nullable ByteString end;

        private final long priority;
        private final Set<V> values = new LinkedHashSet<>();
        private @Nullable ByteString furthest;
        private @Nullable Node<V> left;
        private @Nullable Node<V> right;

        Node(ByteString start, @Nullable ByteString end, long priority) {
            this.start = start;
            this.end = end;
            this.priority = priority;
            this.furthest = end;
        }

        void measure() {
            furthest = later(end, later(left, right));
        }

        private static <V> @Nullable ByteString later(@Nullable Node<V> one, @Nullable Node<V> other) {
            if (one == null || other == null) {
                return one == null ? other == null ? ByteString.EMPTY : other.furthest : one.furthest;
            }
            return later(one.furthest, other.furthest);
        }

        private static @Nullable ByteString later(@Nullable ByteString one, @Nullable ByteString other) {
            return one == null || other == null ? null : ORDER.compare(one, other) >= 0 ? one : other;
        }
    }

    private @Nullable Node<V> root;
    private long made;

    /** @param rangeEnd where the range ends, in etcd's way: one zero byte for the end of all keys */
    void add(ByteString start, ByteString rangeEnd, V value) {
        ByteString end = end(rangeEnd);
        Node<V> node = find(start, end);
        if (node == null) {
            node = new Node<>(start, end, mixed(++made));
            root = insert(root, node);
        }
        node.values.add(value);
    }

    void remove(ByteString start, ByteString rangeEnd, V value) {
        ByteString end = end(rangeEnd);
        Node<V> node = find(start, end);
        if (node != null && node.values.remove(value) && node.values.isEmpty()) {
            root = remove(root, start, end);
        }
    }

    /** Tells every value whose range holds the key. */
    void forEach(ByteString key, Consumer<V> action) {
        visit(root, key, action);
    }

    boolean isEmpty() {
        return root == null;
    }

    private static <V> void visit(@Nullable Node<V> node, ByteString key, Consumer<V> action) {
        if (node == null || !after(node.furthest, key)) {
            return;
        }
        visit(node.left, key, action);
        if (ORDER.compare(node.start, key) <= 0) {
            if (after(node.end, key)) {
                node.values.forEach(action);
            }
            visit(node.right, key, action);
        }
    }

    private static boolean after(@Nullable ByteString end, ByteString key) {
        return end == null || ORDER.compare(end, key) > 0;
    }

    private static @Nullable ByteString end(ByteString rangeEnd) {
        return rangeEnd.size() == 1 && rangeEnd.byteAt(0) == 0 ? null : rangeEnd;
    }

    private static <V> int compare(ByteString start, @Nullable ByteString end, Node<V> node) {
        int order = ORDER.compare(start, node.start);
        if (order != 0) {
            return order;
        }
        if (end == null || node.end == null) {
            return Boolean.compare(end == null, node.end == null);
        }
        return ORDER.compare(end, node.end);
    }

    private @Nullable Node<V> find(ByteString start, @Nullable ByteString end) {
        Node<V> node = root;
        while (node != null) {
            int order = compare(start, end, node);
            if (order == 0) {
                return node;
            }
            node = order < 0 ? node.left : node.right;
        }
        return null;
    }

    private static <V> Node<V> insert(@Nullable Node<V> tree, Node<V> added) {
        if (tree == null) {
            return added;
        }
        if (compare(added.start, added.end, tree) < 0) {
            Node<V> left = insert(tree.left, added);
            tree.left = left;
            if (left.priority > tree.priority) {
                tree.left = left.right;
                left.right = tree;
                tree.measure();
                left.measure();
                return left;
            }
        } else {
            Node<V> right = insert(tree.right, added);
            tree.right = right;
            if (right.priority > tree.priority) {
                tree.right = right.left;
                right.left = tree;
                tree.measure();
                right.measure();
                return right;
            }
        }
        tree.measure();
        return tree;
    }

    private static <V> @Nullable Node<V> remove(@Nullable Node<V> tree, ByteString start, @Nullable ByteString end) {
        if (tree == null) {
            return null;
        }
        int order = compare(start, end, tree);
        if (order == 0) {
            return joined(tree.left, tree.right);
        }
        if (order < 0) {
            tree.left = remove(tree.left, start, end);
        } else {
            tree.right = remove(tree.right, start, end);
        }
        tree.measure();
        return tree;
    }

    private static <V> @Nullable Node<V> joined(@Nullable Node<V> left, @Nullable Node<V> right) {
        if (left == null || right == null) {
            return left == null ? right : left;
        }
        Node<V> top = left.priority > right.priority ? left : right;
        if (top == left) {
            left.right = joined(left.right, right);
        } else {
            right.left = joined(left, right.left);
        }
        top.measure();
        return top;
    }

    /** A number that looks like chance, the same in every run (the finalizer of MurmurHash3). */
    private static long mixed(long number) {
        long mixed = number * 0x9e3779b97f4a7c15L;
        mixed = (mixed ^ (mixed >>> 33)) * 0xff51afd7ed558ccdL;
        mixed = (mixed ^ (mixed >>> 33)) * 0xc4ceb9fe1a85ec53L;
        return mixed ^ (mixed >>> 33);
    }
}
