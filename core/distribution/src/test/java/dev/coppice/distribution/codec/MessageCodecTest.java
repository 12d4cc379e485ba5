package dev.coppice.distribution.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class MessageCodecTest {
    private static final int MAX = 1 << 20;

    enum Color {
        RED,
        GREEN
    }

    sealed interface Shape {}

    record Circle(double radius) implements Shape {}

    record Group(List<Shape> members, Optional<Shape> first, Map<String, Color> colors) implements Shape {}

    record Everything(
            boolean flag,
            byte small,
            short shorter,
            char letter,
            int number,
            long large,
            float single,
            double twice,
            String text,
            byte[] bytes,
            Duration duration,
            Instant instant,
            UUID id,
            Set<Integer> set,
            @Nullable Long nothing) {}

    record Odd(Object anything, Thread thread, List<StringBuilder> texts) {}

    record Picky(int positive) {
        Picky {
            if (positive <= 0) {
                throw new IllegalArgumentException("positive: " + positive);
            }
        }
    }

    record Asking(Consumer<String> answer) {}

    private static MessageCodec codec(Class<?>... types) {
        return new MessageCodec(MessageTypes.of(types), References.NONE);
    }

    @Test
    void writesAndReadsRecordsWithinEachOther() {
        MessageCodec codec = codec(Shape.class);
        Shape shape = new Group(
                List.of(new Circle(1.5), new Group(List.of(), Optional.empty(), Map.of("a", Color.GREEN))),
                Optional.of(new Circle(-0.0)),
                Map.of());
        assertThat(codec.decode(codec.encode(shape, MAX))).isEqualTo(shape);
    }

    @Test
    void writesAndReadsEverySortOfValue() {
        MessageCodec codec = codec(Everything.class);
        Everything all = new Everything(
                true,
                (byte) -7,
                (short) -300,
                'ß',
                Integer.MIN_VALUE,
                Long.MAX_VALUE,
                1.25f,
                -0.1,
                "grün \uD83C\uDF33",
                new byte[] {1, 2},
                Duration.ofNanos(-1),
                Instant.ofEpochSecond(-5, 7),
                new UUID(3, 4),
                Set.of(1, 2, 3),
                null);
        Everything read = (Everything) codec.decode(codec.encode(all, MAX));
        assertThat(read).usingRecursiveComparison().isEqualTo(all);
    }

    @Test
    void namesEverythingThatCannotTravelAndRegistersNothing() {
        MessageTypes types = new MessageTypes();
        assertThatThrownBy(() -> types.register(Circle.class, Odd.class, String[].class))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("Odd.anything")
                .hasMessageContaining("Odd.thread")
                .hasMessageContaining("Odd.texts")
                .hasMessageContaining("[Ljava.lang.String;")
                .hasMessageContaining("expected a record");
        assertThat(types.size()).isZero();
    }

    @Test
    void refusesWhatIsNotRegistered() {
        assertThatThrownBy(() -> codec(Color.class).encode(new Circle(1), MAX))
                .isInstanceOf(MessageException.class)
                .hasMessageContaining("Circle is not registered");
        byte[] circle = codec(Circle.class).encode(new Circle(1), MAX);
        assertThatThrownBy(() -> codec(Color.class).decode(circle))
                .isInstanceOf(MessageException.class)
                .hasMessageContaining("not registered here");
    }

    @Test
    void refusesMessagesThatAreTooLargeOrTooDeep() {
        assertThatThrownBy(() -> codec().encode("x".repeat(200), 100))
                .isInstanceOf(MessageException.class)
                .hasMessageContaining("larger than 100 bytes");
        Object deep = List.of();
        for (int i = 0; i < MessageCodec.MAX_DEPTH + 1; i++) {
            deep = List.of(deep);
        }
        Object tooDeep = deep;
        assertThatThrownBy(() -> codec().encode(tooDeep, MAX)).hasMessageContaining("deeper than");
    }

    @Test
    void refusesFunctionsWhereNobodyCanAnswer() {
        assertThatThrownBy(() -> codec(Asking.class).encode(new Asking(text -> {}), MAX))
                .isInstanceOf(MessageException.class);
    }

    @Test
    void tellsWhenARecordRefusesItsValues() {
        ByteWriter out = new ByteWriter(MAX);
        MessageTypes types = MessageTypes.of(Picky.class);
        out.octet(15).fixed(types.shape(Picky.class).id()).octet(3).signed(-1);
        assertThatThrownBy(() -> new MessageCodec(types, References.NONE).decode(out.toBytes()))
                .isInstanceOf(MessageException.class)
                .hasMessageContaining("positive: -1");
    }

    @Test
    void readsNothingButMessagesFromBrokenBytes() {
        MessageCodec codec = codec(Shape.class, Everything.class, Picky.class);
        byte[] good = codec.encode(
                new Group(List.of(new Circle(1), new Circle(2)), Optional.empty(), Map.of("k", Color.RED)), MAX);
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 20_000; round++) {
            byte[] bytes = random.nextBoolean() ? good.clone() : new byte[random.nextInt(64)];
            int changes = 1 + random.nextInt(4);
            for (int i = 0; i < changes && bytes.length > 0; i++) {
                bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
            }
            try {
                codec.decode(bytes);
            } catch (MessageException e) {
                continue;
            } catch (RuntimeException e) {
                throw new AssertionError("seed " + seed + ", round " + round, e);
            }
        }
    }
}
