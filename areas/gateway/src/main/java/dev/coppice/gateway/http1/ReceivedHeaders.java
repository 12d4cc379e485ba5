package dev.coppice.gateway.http1;

import io.netty.handler.codec.DateFormatter;
import io.netty.handler.codec.http.HttpHeaderValidationUtil;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.AsciiString;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Calendar;
import java.util.Collections;
import java.util.Date;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The headers of a message as they came, and what was changed since. A field stays what it is, a part of the head's bytes, until somebody asks for it; what nobody
 * asked for is sent on by copying these bytes. Looks for names one field after the other, which for as few as a head has is quicker than a table; says and refuses what Netty's
 * {@link io.netty.handler.codec.http.DefaultHttpHeaders} does. To be changed by one thread; unchanged, it may be read by many.
 */
public final class ReceivedHeaders extends HttpHeaders {
    private static final int SPAN = 3;
    private static final int TEXTS = 2;
    private static final int SET = -1;

    /** Of the head, ISO 8859-1. Never changed. */
    private final byte[] head;
    /** Of each field: where its line begins, or that it was set; where its name ends; where its value ends. Between the two are a colon and a space. */
    private int[] spans;
    /** Of each field: its name and its value; null while they are only bytes. */
    private @Nullable CharSequence[] texts;

    private int size;

    /**
     * @param head which is not copied
     * @param spans of each field: the index of its first byte, and those after its name and after its value; copied
     */
    ReceivedHeaders(byte[] head, int[] spans, int size) {
        this.head = head;
        // Some are set, mostly.
        int room = size + 4;
        this.spans = new int[room * SPAN];
        System.arraycopy(spans, 0, this.spans, 0, size * SPAN);
        this.texts = new CharSequence[room * TEXTS];
        this.size = size;
    }

    private ReceivedHeaders(ReceivedHeaders from) {
        this.head = from.head;
        this.spans = from.spans.clone();
        this.texts = from.texts.clone();
        this.size = from.size;
    }

    // ---- fields

    /** The next field of that name; negative: none. */
    private int find(CharSequence name, int from) {
        if (name instanceof AsciiString ascii) {
            byte[] bytes = ascii.array();
            int offset = ascii.arrayOffset();
            int length = ascii.length();
            for (int i = from; i < size; i++) {
                int begin = spans[i * SPAN];
                if (begin == SET
                        ? ascii.contentEqualsIgnoreCase(texts[i * TEXTS])
                        : same(i, begin, bytes, offset, length)) {
                    return i;
                }
            }
            return -1;
        }
        for (int i = from; i < size; i++) {
            int begin = spans[i * SPAN];
            if (begin == SET ? AsciiString.contentEqualsIgnoreCase(name, texts[i * TEXTS]) : same(i, begin, name)) {
                return i;
            }
        }
        return -1;
    }

    private boolean same(int field, int begin, byte[] name, int offset, int length) {
        if (spans[field * SPAN + 1] - begin != length) {
            return false;
        }
        for (int i = 0; i < length; i++) {
            byte one = head[begin + i];
            byte other = name[offset + i];
            if (one != other && lower(one) != lower(other)) {
                return false;
            }
        }
        return true;
    }

    private boolean same(int field, int begin, CharSequence name) {
        int length = name.length();
        if (spans[field * SPAN + 1] - begin != length) {
            return false;
        }
        for (int i = 0; i < length; i++) {
            char other = name.charAt(i);
            if (other > 'z' || lower(head[begin + i]) != lower((byte) other)) {
                return head[begin + i] == other;
            }
        }
        return true;
    }

    private static int lower(byte of) {
        return of >= 'A' && of <= 'Z' ? of + ('a' - 'A') : of;
    }

    private CharSequence name(int field) {
        CharSequence known = texts[field * TEXTS];
        if (known == null) {
            int begin = spans[field * SPAN];
            known = new AsciiString(head, begin, spans[field * SPAN + 1] - begin, false);
            texts[field * TEXTS] = known;
        }
        return known;
    }

    private CharSequence value(int field) {
        CharSequence known = texts[field * TEXTS + 1];
        if (known == null) {
            int begin = spans[field * SPAN + 1] + 2;
            known = new String(head, begin, spans[field * SPAN + 2] - begin, StandardCharsets.ISO_8859_1);
            texts[field * TEXTS + 1] = known;
        }
        return known;
    }

    private void append(CharSequence name, CharSequence value) {
        if (size * SPAN == spans.length) {
            spans = Arrays.copyOf(spans, spans.length * 2);
            texts = Arrays.copyOf(texts, texts.length * 2);
        }
        spans[size * SPAN] = SET;
        texts[size * TEXTS] = name;
        texts[size * TEXTS + 1] = value;
        size++;
    }

    private void removeAt(int field) {
        size--;
        int after = size - field;
        System.arraycopy(spans, (field + 1) * SPAN, spans, field * SPAN, after * SPAN);
        System.arraycopy(texts, (field + 1) * TEXTS, texts, field * TEXTS, after * TEXTS);
        texts[size * TEXTS] = null;
        texts[size * TEXTS + 1] = null;
    }

    private void removeAll(CharSequence name) {
        for (int field = find(name, 0); field >= 0; field = find(name, field)) {
            removeAt(field);
        }
    }

    // ---- what is valid

    private static CharSequence validName(CharSequence name) {
        if (name.isEmpty() || HttpHeaderValidationUtil.validateToken(name) >= 0) {
            throw new IllegalArgumentException("header name \"" + name + "\": expected a token (RFC 9110, 5.6.2)");
        }
        return name;
    }

    private static CharSequence valid(Object value) {
        CharSequence text = switch (Objects.requireNonNull(value, "value")) {
            case CharSequence known -> known;
            case Date date -> DateFormatter.format(date);
            case Calendar calendar -> DateFormatter.format(calendar.getTime());
            default -> value.toString();
        };
        int wrong = HttpHeaderValidationUtil.validateValidHeaderValue(text);
        if (wrong >= 0) {
            throw new IllegalArgumentException(
                    "header value: expected no control characters, but the one at " + wrong + " is one");
        }
        return text;
    }

    // ---- as bytes

    /** At most so many bytes are written. */
    int mostBytes() {
        int most = 0;
        for (int i = 0; i < size; i++) {
            most += spans[i * SPAN] == SET
                    ? name(i).length() + value(i).length() + 4
                    : spans[i * SPAN + 2] - spans[i * SPAN] + 2;
        }
        return most;
    }

    /**
     * Writes a line for each field.
     *
     * @return the index after the last byte
     */
    int write(byte[] to, int at) {
        int end = at;
        for (int i = 0; i < size; i++) {
            int begin = spans[i * SPAN];
            if (begin != SET) {
                // All that came one after the other are one piece.
                int last = spans[i * SPAN + 2] + 2;
                while (i + 1 < size && spans[(i + 1) * SPAN] == last) {
                    i++;
                    last = spans[i * SPAN + 2] + 2;
                }
                System.arraycopy(head, begin, to, end, last - begin);
                end += last - begin;
            } else {
                end = write(name(i), to, end);
                to[end++] = ':';
                to[end++] = ' ';
                end = write(value(i), to, end);
                to[end++] = '\r';
                to[end++] = '\n';
            }
        }
        return end;
    }

    private static int write(CharSequence text, byte[] to, int at) {
        int length = text.length();
        if (text instanceof AsciiString ascii) {
            System.arraycopy(ascii.array(), ascii.arrayOffset(), to, at, length);
        } else {
            // Others than those of ISO 8859-1 become question marks, and never an end of a line.
            byte[] bytes = text.toString().getBytes(StandardCharsets.ISO_8859_1);
            System.arraycopy(bytes, 0, to, at, bytes.length);
            return at + bytes.length;
        }
        return at + length;
    }

    // ---- what HttpHeaders asks for

    @Override
    public @Nullable String get(CharSequence name) {
        int field = find(name, 0);
        return field < 0 ? null : value(field).toString();
    }

    @Override
    public @Nullable String get(String name) {
        return get((CharSequence) name);
    }

    private <T> @Nullable T parsed(CharSequence name, Function<String, @Nullable T> parser) {
        String value = get(name);
        try {
            return value == null ? null : parser.apply(value);
        } catch (NumberFormatException e) {
            return null;
        }
    }

    @Override
    public @Nullable Integer getInt(CharSequence name) {
        return parsed(name, Integer::valueOf);
    }

    @Override
    public int getInt(CharSequence name, int defaultValue) {
        Integer value = getInt(name);
        return value == null ? defaultValue : value;
    }

    @Override
    public @Nullable Short getShort(CharSequence name) {
        return parsed(name, Short::valueOf);
    }

    @Override
    public short getShort(CharSequence name, short defaultValue) {
        Short value = getShort(name);
        return value == null ? defaultValue : value;
    }

    @Override
    public @Nullable Long getTimeMillis(CharSequence name) {
        return parsed(name, each -> {
            Date date = DateFormatter.parseHttpDate(each);
            return date == null ? null : date.getTime();
        });
    }

    @Override
    public long getTimeMillis(CharSequence name, long defaultValue) {
        Long value = getTimeMillis(name);
        return value == null ? defaultValue : value;
    }

    @Override
    public List<String> getAll(CharSequence name) {
        List<String> all = List.of();
        for (int field = find(name, 0); field >= 0; field = find(name, field + 1)) {
            if (all.isEmpty()) {
                all = new ArrayList<>(2);
            }
            all.add(value(field).toString());
        }
        return all;
    }

    @Override
    public List<String> getAll(String name) {
        return getAll((CharSequence) name);
    }

    @Override
    public List<Map.Entry<String, String>> entries() {
        List<Map.Entry<String, String>> all = new ArrayList<>(size);
        for (int i = 0; i < size; i++) {
            all.add(Map.entry(name(i).toString(), value(i).toString()));
        }
        return all;
    }

    @Override
    public boolean contains(CharSequence name) {
        return find(name, 0) >= 0;
    }

    @Override
    public boolean contains(String name) {
        return find(name, 0) >= 0;
    }

    @Override
    public boolean contains(CharSequence name, CharSequence value, boolean ignoreCase) {
        for (int field = find(name, 0); field >= 0; field = find(name, field + 1)) {
            if (ignoreCase
                    ? AsciiString.contentEqualsIgnoreCase(value(field), value)
                    : AsciiString.contentEquals(value(field), value)) {
                return true;
            }
        }
        return false;
    }

    @Override
    public boolean contains(String name, String value, boolean ignoreCase) {
        return contains((CharSequence) name, value, ignoreCase);
    }

    @Override
    public boolean isEmpty() {
        return size == 0;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public Set<String> names() {
        Set<String> all = new LinkedHashSet<>();
        for (int i = 0; i < size; i++) {
            all.add(name(i).toString());
        }
        return all;
    }

    @Override
    public Iterator<Map.Entry<String, String>> iterator() {
        return entries().iterator();
    }

    /** The fields in their order. */
    private final class Fields implements Iterator<Map.Entry<CharSequence, CharSequence>> {
        private int next;

        @Override
        public boolean hasNext() {
            return next < size;
        }

        @Override
        public Map.Entry<CharSequence, CharSequence> next() {
            if (next >= size) {
                throw new NoSuchElementException();
            }
            int field = next++;
            return Map.entry(name(field), value(field));
        }
    }

    @Override
    public Iterator<Map.Entry<CharSequence, CharSequence>> iteratorCharSequence() {
        return new Fields();
    }

    /** The values of a name in their order. */
    private final class Values implements Iterator<CharSequence> {
        private final CharSequence name;
        private int next;

        Values(CharSequence name, int first) {
            this.name = name;
            this.next = first;
        }

        @Override
        public boolean hasNext() {
            return next >= 0;
        }

        @Override
        public CharSequence next() {
            if (next < 0) {
                throw new NoSuchElementException();
            }
            CharSequence value = value(next);
            next = find(name, next + 1);
            return value;
        }
    }

    @Override
    public Iterator<CharSequence> valueCharSequenceIterator(CharSequence name) {
        int first = find(name, 0);
        return first < 0 ? Collections.emptyIterator() : new Values(name, first);
    }

    @Override
    public Iterator<String> valueStringIterator(CharSequence name) {
        return getAll(name).iterator();
    }

    @Override
    public HttpHeaders add(CharSequence name, Object value) {
        append(validName(name), valid(value));
        return this;
    }

    @Override
    public HttpHeaders add(String name, Object value) {
        return add((CharSequence) name, value);
    }

    @Override
    public HttpHeaders add(CharSequence name, Iterable<?> values) {
        for (Object each : values) {
            add(name, each);
        }
        return this;
    }

    @Override
    public HttpHeaders add(String name, Iterable<?> values) {
        return add((CharSequence) name, values);
    }

    @Override
    public HttpHeaders addInt(CharSequence name, int value) {
        return add(name, (Object) value);
    }

    @Override
    public HttpHeaders addShort(CharSequence name, short value) {
        return add(name, (Object) value);
    }

    @Override
    public HttpHeaders set(CharSequence name, Object value) {
        CharSequence checked = validName(name);
        CharSequence text = valid(value);
        removeAll(checked);
        append(checked, text);
        return this;
    }

    @Override
    public HttpHeaders set(String name, Object value) {
        return set((CharSequence) name, value);
    }

    @Override
    public HttpHeaders set(CharSequence name, Iterable<?> values) {
        removeAll(validName(name));
        return add(name, values);
    }

    @Override
    public HttpHeaders set(String name, Iterable<?> values) {
        return set((CharSequence) name, values);
    }

    @Override
    public HttpHeaders setInt(CharSequence name, int value) {
        return set(name, (Object) value);
    }

    @Override
    public HttpHeaders setShort(CharSequence name, short value) {
        return set(name, (Object) value);
    }

    @Override
    public HttpHeaders remove(CharSequence name) {
        removeAll(name);
        return this;
    }

    @Override
    public HttpHeaders remove(String name) {
        return remove((CharSequence) name);
    }

    @Override
    public HttpHeaders clear() {
        Arrays.fill(texts, null);
        size = 0;
        return this;
    }

    @Override
    public HttpHeaders copy() {
        return new ReceivedHeaders(this);
    }
}
