package dev.coppice.gateway.geography;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes small files in MaxMind's DB format, version 2, with records of 24 bits. */
public final class DatabaseFile {
    private static final byte[] MARKER = "\u00ab\u00cd\u00efMaxMind.com".getBytes(StandardCharsets.ISO_8859_1);
    private static final int EMPTY = -1;

    private final int version;
    /** Of each node two: another node; {@link #EMPTY}; or, from -2 down, an offset in the data. */
    private final List<int[]> nodes = new ArrayList<>();

    private final ByteArrayOutputStream data = new ByteArrayOutputStream();

    /** @param version of the addresses, 4 or 6; one for 6 has those of version 4 below ::/96 */
    public DatabaseFile(int version) {
        this.version = version;
        nodes.add(new int[] {EMPTY, EMPTY});
    }

    /** All addresses of a range, which must not overlap one that is there. */
    public DatabaseFile with(String range, Map<String, ?> entry) {
        String[] parts = range.split("/");
        byte[] address = InetAddress.ofLiteral(parts[0]).getAddress();
        int before = version == 6 && address.length == 4 ? 96 : 0;
        int bits = before + Integer.parseInt(parts[1]);
        int node = 0;
        for (int i = 0; i < bits; i++) {
            int bit = i < before ? 0 : address[(i - before) / 8] >> (7 - (i - before) % 8) & 1;
            if (i == bits - 1) {
                nodes.get(node)[bit] = -2 - data.size();
            } else {
                if (nodes.get(node)[bit] == EMPTY) {
                    nodes.get(node)[bit] = nodes.size();
                    nodes.add(new int[] {EMPTY, EMPTY});
                }
                node = nodes.get(node)[bit];
            }
        }
        value(data, entry);
        return this;
    }

    public byte[] bytes() {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        for (int[] node : nodes) {
            for (int each : node) {
                int record = each == EMPTY ? nodes.size() : each >= 0 ? each : nodes.size() + 16 - (each + 2);
                number(file, record, 3);
            }
        }
        file.writeBytes(new byte[16]);
        file.writeBytes(data.toByteArray());
        file.writeBytes(MARKER);
        Map<String, Object> metadata = new LinkedHashMap<>();
        metadata.put("binary_format_major_version", 2);
        metadata.put("binary_format_minor_version", 0);
        metadata.put("build_epoch", 1_700_000_000);
        metadata.put("database_type", "Test");
        metadata.put("description", Map.of("en", "a test"));
        metadata.put("ip_version", version);
        metadata.put("languages", List.of("en"));
        metadata.put("node_count", nodes.size());
        metadata.put("record_size", 24);
        value(file, metadata);
        return file.toByteArray();
    }

    public void write(Path file) throws IOException {
        Files.write(file, bytes());
    }

    private static void value(ByteArrayOutputStream to, Object value) {
        switch (value) {
            case String text -> {
                byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
                to.write(2 << 5 | bytes.length);
                to.writeBytes(bytes);
            }
            case Integer number -> {
                to.write(6 << 5 | 4);
                number(to, number, 4);
            }
            case Map<?, ?> map -> {
                to.write(7 << 5 | map.size());
                map.forEach((key, each) -> {
                    value(to, key);
                    value(to, each);
                });
            }
            case List<?> list -> {
                to.write(list.size());
                to.write(4);
                list.forEach(each -> value(to, each));
            }
            default -> throw new IllegalArgumentException(value.toString());
        }
    }

    private static void number(ByteArrayOutputStream to, int number, int bytes) {
        for (int i = bytes - 1; i >= 0; i--) {
            to.write(number >> 8 * i);
        }
    }
}
