package dev.coppice.gateway.proxyprotocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.gateway.proxyprotocol.ProxyHeader.Reading;
import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Headers of the PROXY protocol, byte for byte. */
class ProxyHeaderTest {
    private static final byte[] SIGNATURE = HexFormat.of().parseHex("0d0a0d0a000d0a515549540a");

    private static Reading read(byte[] bytes) {
        return ProxyHeader.read(ByteBuffer.wrap(bytes));
    }

    private static Reading read(String line) {
        return read(line.getBytes(StandardCharsets.ISO_8859_1));
    }

    private static InetSocketAddress end(String address, int port) {
        return new InetSocketAddress(InetAddress.ofLiteral(address), port);
    }

    private static ConnectionEnds ends(String source, int port, String destination, int to) {
        return new ConnectionEnds(end(source, port), end(destination, to), "");
    }

    /** A header of version 2 with this command, family, addresses and additions. */
    private static byte[] binary(int command, int family, String hex) {
        byte[] rest = HexFormat.of().parseHex(hex);
        return ByteBuffer.allocate(16 + rest.length)
                .put(SIGNATURE)
                .put((byte) command)
                .put((byte) family)
                .putShort((short) rest.length)
                .put(rest)
                .array();
    }

    @Test
    void linesAreRead() {
        assertThat(read("PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\nGET"))
                .isEqualTo(new Reading.Found(45, ends("192.0.2.1", 56324, "198.51.100.7", 443)));
        assertThat(read("PROXY TCP6 2001:db8::1 ::1 1 65535\r\n"))
                .isEqualTo(new Reading.Found(36, ends("2001:db8::1", 1, "::1", 65535)));
        assertThat(read("PROXY UNKNOWN\r\n")).isEqualTo(new Reading.Found(15, null));
        assertThat(read("PROXY UNKNOWN whatever 1 2 3\r\n")).isEqualTo(new Reading.Found(30, null));
        assertThat(read("GET / HTTP/1.1\r\n")).isInstanceOf(Reading.Absent.class);
        assertThat(read("PRI * HTTP/2.0\r\n")).isInstanceOf(Reading.Absent.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "PROXY TCP4 192.0.2.1 198.51.100.7 56324\r\n",
                "PROXY TCP4  192.0.2.1 198.51.100.7 56324 443\r\n",
                "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443 \r\n",
                "PROXY TCP4 192.0.2.1 198.51.100.7 056324 443\r\n",
                "PROXY TCP4 192.0.2.1 198.51.100.7 65536 443\r\n",
                "PROXY TCP4 192.0.2.1 198.51.100.7 -1 443\r\n",
                "PROXY TCP4 192.0.2 198.51.100.7 1 443\r\n",
                "PROXY TCP4 192.0.2.01 198.51.100.7 1 443\r\n",
                "PROXY TCP4 192.0.2.256 198.51.100.7 1 443\r\n",
                "PROXY TCP4 2001:db8::1 ::1 1 2\r\n",
                "PROXY TCP6 192.0.2.1 198.51.100.7 1 2\r\n",
                "PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
                "PROXY TCP6 [::1] ::1 1 2\r\n",
                "PROXY TCP6 example.org ::1 1 2\r\n",
                "PROXY UDP4 192.0.2.1 198.51.100.7 1 2\r\n",
                "PROXY UNKNOWNS\r\n",
                "PROXY TCP4 192.0.2.1 198.51.100.7 1 2\n",
                "PROXY \r\n",
                "PROXY UNKNOWN aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
            })
    void linesThatAreNearlyRightAreNone(String line) {
        assertThat(read(line)).isInstanceOf(Reading.Malformed.class);
    }

    @Test
    void binaryHeadersAreRead() {
        assertThat(read(binary(0x21, 0x11, "c0000201c6336407dc0401bb")))
                .isEqualTo(new Reading.Found(28, ends("192.0.2.1", 56324, "198.51.100.7", 443)));
        String six = "20010db8000000000000000000000001" + "00000000000000000000000000000001" + "0001ffff";
        assertThat(read(binary(0x21, 0x21, six)))
                .isEqualTo(new Reading.Found(52, ends("2001:db8::1", 1, "::1", 65535)));
        assertThat(read(binary(0x20, 0x00, ""))).isEqualTo(new Reading.Found(16, null));
        assertThat(read(binary(0x20, 0x11, "00"))).as("what LOCAL says").isEqualTo(new Reading.Found(17, null));
        assertThat(read(binary(0x21, 0x00, ""))).isEqualTo(new Reading.Found(16, null));
        assertThat(read(binary(0x21, 0x31, "00".repeat(216)))).isEqualTo(new Reading.Found(232, null));
    }

    @Test
    void additionsAreRead() {
        String addresses = "c0000201c6336407dc0401bb";
        // Something unknown, then the authority.
        Reading reading = read(binary(0x21, 0x11, addresses + "e00002abcd" + "02000b" + "6578616d706c652e6f7267"));
        assertThat(reading)
                .isEqualTo(new Reading.Found(
                        47, new ConnectionEnds(end("192.0.2.1", 56324), end("198.51.100.7", 443), "example.org")));
        assertThat(read(binary(0x21, 0x11, addresses + "e0"))).isInstanceOf(Reading.Malformed.class);
        assertThat(read(binary(0x21, 0x11, addresses + "e00002ab"))).isInstanceOf(Reading.Malformed.class);
        assertThat(read(binary(0x21, 0x11, addresses + "02000161" + "02000120")))
                .isInstanceOf(Reading.Malformed.class);
    }

    @Test
    void checksumsAreCompared() {
        byte[] header = binary(0x21, 0x11, "c0000201c6336407dc0401bb" + "03000400000000");
        CRC32C sum = new CRC32C();
        sum.update(header);
        ByteBuffer.wrap(header).putInt(31, (int) sum.getValue());
        assertThat(read(header)).isInstanceOf(Reading.Found.class);
        header[20]++;
        assertThat(read(header)).isEqualTo(new Reading.Malformed("a checksum that is wrong"));
    }

    @Test
    void binaryHeadersThatAreNearlyRightAreNone() {
        assertThat(read(binary(0x11, 0x11, "c0000201c6336407dc0401bb"))).isInstanceOf(Reading.Malformed.class);
        assertThat(read(binary(0x22, 0x11, "c0000201c6336407dc0401bb"))).isInstanceOf(Reading.Malformed.class);
        assertThat(read(binary(0x21, 0x41, "00"))).isInstanceOf(Reading.Malformed.class);
        assertThat(read(binary(0x21, 0x13, "c0000201c6336407dc0401bb"))).isInstanceOf(Reading.Malformed.class);
        assertThat(read(binary(0x21, 0x11, "c0000201c6336407dc0401"))).isInstanceOf(Reading.Malformed.class);
        assertThat(read(binary(0x21, 0x00, "00".repeat(ProxyHeader.MOST_BYTES))))
                .isInstanceOf(Reading.Malformed.class);
        byte[] signature = SIGNATURE.clone();
        signature[11] = 'X';
        assertThat(read(signature)).isInstanceOf(Reading.Absent.class);
    }

    /** However it is cut: what has come decides nothing before the rest is there. */
    @Test
    void everyBeginningIsIncomplete() {
        byte[][] all = {
            "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n".getBytes(StandardCharsets.US_ASCII),
            binary(0x21, 0x11, "c0000201c6336407dc0401bb" + "02000161"),
            binary(0x20, 0x00, "")
        };
        for (byte[] whole : all) {
            for (int length = 0; length < whole.length; length++) {
                assertThat(ProxyHeader.read(ByteBuffer.wrap(whole, 0, length)))
                        .as("the first %d", length)
                        .isInstanceOf(Reading.Incomplete.class);
            }
        }
    }

    @Test
    void whatIsWrittenIsRead() {
        ConnectionEnds[] all = {
            ends("192.0.2.1", 1, "198.51.100.7", 65535),
            ends("2001:db8::1", 40000, "fe80::2", 443),
            ends("192.0.2.1", 2, "::1", 3),
            new ConnectionEnds(end("::1", 1), end("::2", 2), "example.org")
        };
        for (ConnectionEnds each : all) {
            byte[] line = ProxyHeader.line(each);
            assertThat(line.length).isLessThanOrEqualTo(107);
            assertThat(read(line))
                    .isEqualTo(
                            new Reading.Found(line.length, new ConnectionEnds(each.source(), each.destination(), "")));
            byte[] binary = ProxyHeader.binary(each);
            assertThat(read(binary)).isEqualTo(new Reading.Found(binary.length, each));
        }
        assertThat(read(ProxyHeader.line(null))).isEqualTo(new Reading.Found(15, null));
        assertThat(read(ProxyHeader.binary(null))).isEqualTo(new Reading.Found(16, null));
    }

    /** Nothing throws, nothing is read beyond the buffer, and no more is asked for than a header may have. */
    @Test
    void anyBytesAreSomething() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        byte[][] seeds = {
            "PROXY TCP6 2001:db8::1 ::1 1 65535\r\n".getBytes(StandardCharsets.US_ASCII),
            binary(0x21, 0x11, "c0000201c6336407dc0401bb" + "03000400000000" + "02000161"),
            binary(0x21, 0x21, "00".repeat(36) + "e00000")
        };
        for (int round = 0; round < 50_000; round++) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            bytes.writeBytes(seeds[random.nextInt(seeds.length)]);
            byte[] mutated = bytes.toByteArray();
            for (int i = random.nextInt(4); i >= 0; i--) {
                mutated[random.nextInt(mutated.length)] = (byte) random.nextInt(256);
            }
            ByteBuffer in = ByteBuffer.wrap(mutated, 0, random.nextInt(mutated.length + 1));
            switch (ProxyHeader.read(in)) {
                case Reading.Found found ->
                    assertThat(found.bytes()).as("seed %d", seed).isLessThanOrEqualTo(in.remaining());
                case Reading.Incomplete _ ->
                    assertThat(in.remaining()).as("seed %d", seed).isLessThan(ProxyHeader.MOST_BYTES);
                case Reading.Absent _, Reading.Malformed _ -> {}
            }
        }
    }

    @Test
    void rangesHaveTheAddressesThatBeginAlike() {
        assertThat(AddressRange.of("10.0.0.0/8").contains(InetAddress.ofLiteral("10.255.0.1")))
                .isTrue();
        assertThat(AddressRange.of("10.0.0.0/8").contains(InetAddress.ofLiteral("11.0.0.1")))
                .isFalse();
        assertThat(AddressRange.of("10.0.0.128/25").contains(InetAddress.ofLiteral("10.0.0.129")))
                .isTrue();
        assertThat(AddressRange.of("10.0.0.128/25").contains(InetAddress.ofLiteral("10.0.0.127")))
                .isFalse();
        assertThat(AddressRange.of("10.0.0.1").contains(InetAddress.ofLiteral("10.0.0.1")))
                .isTrue();
        assertThat(AddressRange.of("10.0.0.1").contains(InetAddress.ofLiteral("10.0.0.2")))
                .isFalse();
        assertThat(AddressRange.of("0.0.0.0/0").contains(InetAddress.ofLiteral("::1")))
                .isFalse();
        assertThat(AddressRange.of("fd00::/8").contains(InetAddress.ofLiteral("fdff::1")))
                .isTrue();
        assertThat(AddressRange.of("::/0").contains(InetAddress.ofLiteral("fe80::1")))
                .isTrue();
        for (String bad :
                new String[] {"", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "10.0.0.0/08", "host/8", "::/129"}) {
            assertThatThrownBy(() -> AddressRange.of(bad)).as(bad).isInstanceOf(IllegalArgumentException.class);
        }
    }
}
