package dev.coppice.expression;

import com.fasterxml.jackson.databind.node.ArrayNode;
import dev.cel.common.types.CelType;
import dev.cel.common.types.ListType;
import dev.cel.common.types.SimpleType;
import dev.cel.common.values.CelValue;
import java.util.AbstractList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.ListIterator;
import java.util.RandomAccess;
import org.jspecify.annotations.Nullable;

/** A JSON array or Java list as CEL sees it, read in place; see {@link LazyMap}. */
final class LazyList extends CelValue implements List<Object>, RandomAccess {

    private final Object whole;
    private final SchemaType type;
    private final List<Object> view;

    private LazyList(Object whole, SchemaType type, List<Object> view) {
        this.whole = whole;
        this.type = type;
        this.view = view;
    }

    static LazyList of(ArrayNode tree, SchemaType type) {
        SchemaType element = type.elementOrAny();
        return new LazyList(tree, type, new AbstractList<>() {
            @Override
            public Object get(int index) {
                return Values.adapt(tree.get(index), element);
            }

            @Override
            public int size() {
                return tree.size();
            }
        });
    }

    static LazyList of(List<?> list, SchemaType type) {
        SchemaType element = type.elementOrAny();
        return new LazyList(list, type, new AbstractList<>() {
            @Override
            public Object get(int index) {
                return Values.adapt(list.get(index), element);
            }

            @Override
            public int size() {
                return list.size();
            }
        });
    }

    /** The JsonNode or List that this shows. */
    Object whole() {
        return whole;
    }

    @Override
    public LazyList value() {
        return this;
    }

    @Override
    public boolean isZeroValue() {
        return view.isEmpty();
    }

    @Override
    public CelType celType() {
        return type.form() == SchemaType.Form.LIST ? type.cel() : ListType.create(SimpleType.DYN);
    }

    @Override
    public Object get(int index) {
        return view.get(index);
    }

    @Override
    public int size() {
        return view.size();
    }

    @Override
    public boolean isEmpty() {
        return view.isEmpty();
    }

    @Override
    public boolean contains(@Nullable Object element) {
        return view.contains(element);
    }

    @Override
    public Iterator<Object> iterator() {
        return view.iterator();
    }

    @Override
    public Object[] toArray() {
        return view.toArray();
    }

    @Override
    public <T> T[] toArray(T[] into) {
        return view.toArray(into);
    }

    @Override
    public boolean containsAll(Collection<?> elements) {
        return view.containsAll(elements);
    }

    @Override
    public int indexOf(@Nullable Object element) {
        return view.indexOf(element);
    }

    @Override
    public int lastIndexOf(@Nullable Object element) {
        return view.lastIndexOf(element);
    }

    @Override
    public ListIterator<Object> listIterator() {
        return view.listIterator();
    }

    @Override
    public ListIterator<Object> listIterator(int index) {
        return view.listIterator(index);
    }

    @Override
    public List<Object> subList(int from, int to) {
        return view.subList(from, to);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return this == other || view.equals(other);
    }

    @Override
    public int hashCode() {
        return view.hashCode();
    }

    @Override
    public String toString() {
        return String.valueOf(whole);
    }

    @Override
    public boolean add(Object element) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean remove(@Nullable Object element) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean addAll(Collection<?> elements) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean addAll(int index, Collection<?> elements) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean removeAll(Collection<?> elements) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean retainAll(Collection<?> elements) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void clear() {
        throw new UnsupportedOperationException();
    }

    @Override
    public Object set(int index, Object element) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void add(int index, Object element) {
        throw new UnsupportedOperationException();
    }

    @Override
    public Object remove(int index) {
        throw new UnsupportedOperationException();
    }
}
