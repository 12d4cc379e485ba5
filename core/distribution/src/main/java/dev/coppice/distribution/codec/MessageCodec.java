package dev.coppice.distribution.codec;

import dev.coppice.kernel.ProcessRef;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Writes and reads messages: one octet that tells the sort of value, then the value; a record as the hash of its shape and
 * its components in order. What is read is as deep as {@value #MAX_DEPTH} at most, and as large as its bytes allow. Safe for
 * use by many threads.
 */
public final class MessageCodec {

    /** Records and collections within each other. */
    public static final int MAX_DEPTH = 64;

    private static final int NULL = 0;
    private static final int TRUE = 1;
    private static final int FALSE = 2;
    private static final int INT = 3;
    private static final int LONG = 4;
    private static final int DOUBLE = 5;
    private static final int FLOAT = 6;
    private static final int SHORT = 7;
    private static final int BYTE = 8;
    private static final int CHAR = 9;
    private static final int TEXT = 10;
    private static final int BYTES = 11;
    private static final int LIST = 12;
    private static final int SET = 13;
    private static final int MAP = 14;
    private static final int RECORD = 15;
    private static final int ENUM = 16;
    private static final int PROCESS = 17;
    private static final int ANSWER = 18;
    private static final int DURATION = 19;
    private static final int INSTANT = 20;
    private static final int UNIQUE = 21;
    private static final int EMPTY = 22;
    private static final int PRESENT = 23;

    private final MessageTypes types;
    private final References references;

    public MessageCodec(MessageTypes types, References references) {
        this.types = types;
        this.references = references;
    }

    public byte[] encode(@Nullable Object value, int maxBytes) {
        ByteWriter out = new ByteWriter(maxBytes);
        write(out, value);
        return out.toBytes();
    }

    public @Nullable Object decode(byte[] bytes) {
        ByteReader in = new ByteReader(bytes);
        Object value = read(in);
        if (in.left() != 0) {
            throw new MessageException("the message has " + in.left() + " bytes after its end");
        }
        return value;
    }

    // ---- writing

    public void write(ByteWriter out, @Nullable Object value) {
        write(out, value, 0);
    }

    private void write(ByteWriter out, @Nullable Object value, int depth) {
        if (depth > MAX_DEPTH) {
            throw new MessageException("the message is deeper than " + MAX_DEPTH);
        }
        switch (value) {
            case null -> out.octet(NULL);
            case Boolean flag -> out.octet(flag ? TRUE : FALSE);
            case Integer number -> out.octet(INT).signed(number);
            case Long number -> out.octet(LONG).signed(number);
            case Double number -> out.octet(DOUBLE).fixed(Double.doubleToRawLongBits(number));
            case Float number -> out.octet(FLOAT).unsigned(Float.floatToRawIntBits(number) & 0xFFFF_FFFFL);
            case Short number -> out.octet(SHORT).signed(number);
            case Byte number -> out.octet(BYTE).octet(number);
            case Character character -> out.octet(CHAR).unsigned(character);
            case String text -> out.octet(TEXT).text(text);
            case byte[] bytes -> out.octet(BYTES).bytes(bytes);
            case Duration duration ->
                out.octet(DURATION).signed(duration.getSeconds()).unsigned(duration.getNano());
            case Instant instant ->
                out.octet(INSTANT).signed(instant.getEpochSecond()).unsigned(instant.getNano());
            case UUID unique ->
                out.octet(UNIQUE).fixed(unique.getMostSignificantBits()).fixed(unique.getLeastSignificantBits());
            case Optional<?> optional -> {
                out.octet(optional.isPresent() ? PRESENT : EMPTY);
                optional.ifPresent(inner -> write(out, inner, depth + 1));
            }
            case List<?> list -> elements(out.octet(LIST), list, depth);
            case Set<?> set -> elements(out.octet(SET), set, depth);
            case Map<?, ?> map -> {
                out.octet(MAP).unsigned(map.size());
                map.forEach((key, each) -> {
                    write(out, key, depth + 1);
                    write(out, each, depth + 1);
                });
            }
            case Record message -> fields(out, message, depth);
            case Enum<?> constant ->
                out.octet(ENUM).fixed(types.shape(constant.getClass()).id()).unsigned(constant.ordinal());
            case ProcessRef<?> process -> references.write(out.octet(PROCESS), process);
            case Consumer<?> answer -> references.write(out.octet(ANSWER), answer);
            default -> throw new MessageException(value.getClass().getName() + " cannot travel between nodes");
        }
    }

    private void fields(ByteWriter out, Record message, int depth) {
        if (message instanceof ProcessRef<?> process) {
            references.write(out.octet(PROCESS), process);
            return;
        }
        if (message instanceof Consumer<?> answer) {
            references.write(out.octet(ANSWER), answer);
            return;
        }
        Shape shape = types.shape(message.getClass());
        out.octet(RECORD).fixed(shape.id());
        for (int i = 0; i < shape.accessors().length; i++) {
            write(out, shape.component(i, message), depth + 1);
        }
    }

    private void elements(ByteWriter out, java.util.Collection<?> all, int depth) {
        out.unsigned(all.size());
        for (Object each : all) {
            write(out, each, depth + 1);
        }
    }

    // ---- reading

    public @Nullable Object read(ByteReader in) {
        return read(in, 0);
    }

    private @Nullable Object read(ByteReader in, int depth) {
        if (depth > MAX_DEPTH) {
            throw new MessageException("the message is deeper than " + MAX_DEPTH);
        }
        int sort = in.octet();
        return switch (sort) {
            case NULL -> null;
            case TRUE -> true;
            case FALSE -> false;
            case INT -> (int) in.signed();
            case LONG -> in.signed();
            case DOUBLE -> Double.longBitsToDouble(in.fixed());
            case FLOAT -> Float.intBitsToFloat((int) in.unsigned());
            case SHORT -> (short) in.signed();
            case BYTE -> (byte) in.octet();
            case CHAR -> (char) in.unsigned();
            case TEXT -> in.text();
            case BYTES -> in.bytes();
            case LIST -> Collections.unmodifiableList(elements(in, depth));
            case SET -> Collections.unmodifiableSet(new LinkedHashSet<>(elements(in, depth)));
            case MAP -> map(in, depth);
            case RECORD -> fields(in, depth);
            case ENUM -> constant(in);
            case PROCESS -> references.readProcess(in);
            case ANSWER -> references.readAnswer(in);
            case DURATION, INSTANT -> time(in, sort);
            case UNIQUE -> new UUID(in.fixed(), in.fixed());
            case EMPTY -> Optional.empty();
            case PRESENT -> Optional.ofNullable(read(in, depth + 1));
            default -> throw new MessageException("the message has a value of the unknown sort " + sort);
        };
    }

    private static Object time(ByteReader in, int sort) {
        long seconds = in.signed();
        long nanos = in.unsigned();
        try {
            return sort == DURATION ? Duration.ofSeconds(seconds, nanos) : Instant.ofEpochSecond(seconds, nanos);
        } catch (ArithmeticException | java.time.DateTimeException e) {
            throw new MessageException("the message has a time out of range");
        }
    }

    private List<@Nullable Object> elements(ByteReader in, int depth) {
        int count = in.count();
        List<@Nullable Object> all = new ArrayList<>(Math.min(count, 1_024));
        for (int i = 0; i < count; i++) {
            all.add(read(in, depth + 1));
        }
        return all;
    }

    private Map<@Nullable Object, @Nullable Object> map(ByteReader in, int depth) {
        int count = in.count();
        Map<@Nullable Object, @Nullable Object> all = new LinkedHashMap<>();
        for (int i = 0; i < count; i++) {
            Object key = read(in, depth + 1);
            all.put(key, read(in, depth + 1));
        }
        return Collections.unmodifiableMap(all);
    }

    private Shape known(ByteReader in) {
        long id = in.fixed();
        Shape shape = types.shape(id);
        if (shape == null) {
            throw new MessageException("the message has a type that is not registered here, or with other components: "
                    + Long.toHexString(id));
        }
        return shape;
    }

    private Object fields(ByteReader in, int depth) {
        Shape shape = known(in);
        @Nullable Object[] values = new @Nullable Object[shape.accessors().length];
        for (int i = 0; i < values.length; i++) {
            values[i] = read(in, depth + 1);
        }
        return shape.make(values);
    }

    private Object constant(ByteReader in) {
        Shape shape = known(in);
        long ordinal = in.unsigned();
        if (ordinal < 0 || ordinal >= shape.constants().length) {
            throw new MessageException(
                    "the message has a constant that " + shape.type().getName() + " lacks");
        }
        return shape.constants()[(int) ordinal];
    }
}
