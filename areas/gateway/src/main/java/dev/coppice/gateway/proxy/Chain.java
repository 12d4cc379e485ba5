package dev.coppice.gateway.proxy;

import java.util.Iterator;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/**
 * A list whose members know their neighbours, so that each is taken out at once. A member may take itself, or any that was passed, out
 * while the list is walked through. For one thread.
 */
final class Chain<M extends Chain.Member<M>> implements Iterable<M> {

    /** What can be in one chain at a time. */
    abstract static class Member<M extends Member<M>> {
        private @Nullable M before;
        private @Nullable M after;
        private boolean linked;
    }

    private @Nullable M first;
    private int size;

    private static <M extends Member<M>> @Nullable M after(M member) {
        Member<M> plain = member;
        return plain.after;
    }

    void add(M member) {
        Member<M> added = member;
        if (added.linked) {
            return;
        }
        added.linked = true;
        added.before = null;
        added.after = first;
        if (first != null) {
            Member<M> second = first;
            second.before = member;
        }
        first = member;
        size++;
    }

    void remove(M member) {
        Member<M> removed = member;
        if (!removed.linked) {
            return;
        }
        removed.linked = false;
        Member<M> left = removed.before;
        Member<M> right = removed.after;
        if (left == null) {
            first = removed.after;
        } else {
            left.after = removed.after;
        }
        if (right != null) {
            right.before = removed.before;
        }
        removed.before = null;
        removed.after = null;
        size--;
    }

    int size() {
        return size;
    }

    @Override
    public Iterator<M> iterator() {
        return new Iterator<>() {
            private @Nullable M next = first;

            @Override
            public boolean hasNext() {
                return next != null;
            }

            @Override
            public M next() {
                M current = next;
                if (current == null) {
                    throw new NoSuchElementException();
                }
                next = after(current);
                return current;
            }
        };
    }
}
