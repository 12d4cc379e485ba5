package dev.coppice.gateway.http1;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.DateFormatter;
import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.util.AsciiString;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;

/** They are what Netty's are, whatever is done to them. */
class ReceivedHeadersPropertiesTest {
    private static final int ROUNDS = 3_000;
    private static final List<String> NAMES = List.of(
            "Host", "host", "X-One", "x-one", "X-One-More", "Accept", "Connection", "Cookie", "E-Tag", "TE", "x_y");
    private static final List<Object> VALUES = List.of(
            "1",
            "close",
            "a, b",
            "keep-alive, close",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "12",
            new AsciiString("ascii"),
            7,
            "é",
            "日本");
    /** These are refused. */
    private static final List<Object> BAD = List.of("a\r\nb: c", "\u0000", "a\nb");

    private final long seed = Long.getLong("seed", System.nanoTime());
    private final Random random = new Random(seed);

    private <T> T one(List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    /** Both with the same fields, of which the one has them as bytes. */
    private record Pair(HttpHeaders ours, HttpHeaders netty) {
        void both(java.util.function.Consumer<HttpHeaders> change) {
            assertThat(refused(() -> change.accept(ours))).isEqualTo(refused(() -> change.accept(netty)));
        }

        private static boolean refused(Runnable change) {
            try {
                change.run();
                return false;
            } catch (IllegalArgumentException e) {
                return true;
            }
        }

        <T> void same(java.util.function.Function<HttpHeaders, T> question) {
            assertThat(question.apply(ours)).isEqualTo(question.apply(netty));
        }
    }

    private Pair received() {
        StringBuilder head = new StringBuilder();
        HttpHeaders netty = new DefaultHttpHeaders();
        int fields = random.nextInt(8);
        int[] spans = new int[fields * 3];
        for (int i = 0; i < fields; i++) {
            String name = one(NAMES);
            String value = one(List.of("1", "close", "a, b", "keep-alive, Close", "Sun, 06 Nov 1994 08:49:37 GMT"));
            spans[i * 3] = head.length();
            spans[i * 3 + 1] = head.length() + name.length();
            head.append(name).append(": ").append(value);
            spans[i * 3 + 2] = head.length();
            head.append("\r\n");
            netty.add(name, value);
        }
        return new Pair(
                new ReceivedHeaders(head.toString().getBytes(StandardCharsets.ISO_8859_1), spans, fields), netty);
    }

    private CharSequence name() {
        String name = one(NAMES);
        return switch (random.nextInt(3)) {
            case 0 -> new AsciiString(name);
            case 1 -> new StringBuilder(name);
            default -> name;
        };
    }

    private void change(Pair pair) {
        CharSequence name = random.nextInt(30) == 0 ? one(List.of("", "a b", "a:", "é", "a\r\n")) : name();
        Object value = random.nextInt(30) == 0 ? one(BAD) : one(VALUES);
        switch (random.nextInt(9)) {
            case 0 -> pair.both(each -> each.add(name, value));
            case 1 -> pair.both(each -> each.add(name.toString(), value));
            case 2 -> pair.both(each -> each.set(name, value));
            case 3 -> pair.both(each -> each.set(name.toString(), List.of(value, "2")));
            case 4 -> pair.both(each -> each.remove(name));
            case 5 -> pair.both(each -> each.remove(name.toString()));
            case 6 -> pair.both(each -> each.setInt(name, 4));
            case 7 -> {
                if (random.nextInt(10) == 0) {
                    pair.both(HttpHeaders::clear);
                }
            }
            default -> pair.both(each -> each.add(new DefaultHttpHeaders().add("x-other", "o")));
        }
    }

    private static List<String> lines(
            Iterator<? extends Map.Entry<? extends CharSequence, ? extends CharSequence>> fields) {
        List<String> all = new ArrayList<>();
        fields.forEachRemaining(each -> all.add(each.getKey() + ": " + each.getValue()));
        return all;
    }

    private static List<String> all(Iterator<? extends CharSequence> values) {
        List<String> all = new ArrayList<>();
        values.forEachRemaining(each -> all.add(each.toString()));
        return all;
    }

    private void compare(Pair pair) {
        CharSequence name = name();
        pair.same(each -> each.get(name));
        pair.same(each -> each.get(name.toString()));
        pair.same(each -> each.getAll(name));
        pair.same(each -> each.getAllAsString(name));
        pair.same(each -> each.contains(name));
        pair.same(each -> each.getInt(name));
        pair.same(each -> each.getInt(name, 3));
        pair.same(each -> each.getShort(name, (short) 3));
        String value = pair.netty.get(name);
        if (value == null || DateFormatter.parseHttpDate(value) != null) {
            pair.same(each -> each.getTimeMillis(name));
            pair.same(each -> each.getTimeMillis(name, 3L));
        }
        pair.same(each -> each.contains(name, "Close", true));
        pair.same(each -> each.contains(name, "close", false));
        pair.same(each -> each.containsValue(name, "CLOSE", true));
        pair.same(each -> each.containsValue(name, "close", false));
        // Netty's are in another order.
        pair.same(each -> all(each.valueStringIterator(name)).stream().sorted().toList());
        pair.same(each ->
                all(each.valueCharSequenceIterator(name)).stream().sorted().toList());
        pair.same(HttpHeaders::size);
        pair.same(HttpHeaders::isEmpty);
        // Netty has one twice that was given as text and as bytes.
        pair.same(each -> new TreeSet<>(each.names()));
        pair.same(each -> lines(each.iteratorCharSequence()));
        pair.same(each -> lines(each.entries().iterator()));
        pair.same(each -> lines(each.iterator()));
    }

    private static String written(HttpHeaders headers) {
        ReceivedHeaders ours = (ReceivedHeaders) headers;
        byte[] bytes = new byte[ours.mostBytes()];
        int end = ours.write(bytes, 0);
        return new String(bytes, 0, end, StandardCharsets.ISO_8859_1);
    }

    private static String expected(HttpHeaders netty) {
        StringBuilder lines = new StringBuilder();
        netty.iteratorCharSequence().forEachRemaining(each -> {
            lines.append(each.getKey()).append(": ");
            each.getValue().chars().forEach(one -> lines.append(one > 255 ? '?' : (char) one));
            lines.append("\r\n");
        });
        return lines.toString();
    }

    private void repeat(Callable<Void> round) throws Exception {
        for (int i = 0; i < ROUNDS; i++) {
            try {
                round.call();
            } catch (AssertionError | RuntimeException e) {
                throw new AssertionError("-Dseed=" + seed + ", round " + i + ": " + e.getMessage(), e);
            }
        }
    }

    @Test
    void theyAreWhatNettysAre() throws Exception {
        repeat(() -> {
            Pair pair = received();
            for (int i = random.nextInt(12); i >= 0; i--) {
                if (random.nextBoolean()) {
                    compare(pair);
                }
                change(pair);
            }
            compare(pair);
            assertThat(written(pair.ours)).isEqualTo(expected(pair.netty));
            return null;
        });
    }

    @Test
    void aCopyIsOnItsOwn() throws Exception {
        repeat(() -> {
            Pair pair = received();
            change(pair);
            // Netty's own copies refuse no values any more.
            Pair copy = new Pair(pair.ours.copy(), new DefaultHttpHeaders().add(pair.netty));
            change(pair);
            compare(copy);
            change(copy);
            compare(copy);
            compare(pair);
            assertThat(written(copy.ours)).isEqualTo(expected(copy.netty));
            return null;
        });
    }
}
