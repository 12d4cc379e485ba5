package dev.coppice.store;

import dev.coppice.store.bolt.BoltWriter;
import dev.coppice.store.bolt.Bucket;
import dev.coppice.store.engine.KeyspaceImage;
import dev.coppice.store.engine.Pin;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Keyspaces as they were at one moment, as one file that etcd's tools take for a snapshot of etcd: a bbolt database of etcd's
 * buckets, then its SHA-256. The keyspace {@code etcd} has etcd's names; of a whole store the others lie beside it in buckets
 * {@code coppice/KEYSPACE/NAME}, which etcd does not look at. Written from front to back in little memory. Used by one thread.
 */
public final class Snapshot implements AutoCloseable {

    /** The bucket that tells a backup of a whole store from a snapshot of etcd. */
    static final String MANIFEST = "coppice";

    static final String MAIN_KEYSPACE = "etcd";
    static final int CHECKSUM_BYTES = 32;

    private final Pin pin;
    private final BoltWriter writer;

    private Snapshot(Pin pin, List<Bucket> buckets) {
        this.pin = pin;
        try {
            this.writer = BoltWriter.measure(buckets);
        } catch (IOException e) {
            throw new UncheckedIOException("nothing here writes", e);
        }
    }

    /** The prefix of the buckets of a keyspace in a backup of a whole store. */
    static String prefix(String keyspace) {
        return keyspace.equals(MAIN_KEYSPACE) ? "" : MANIFEST + "/" + keyspace + "/";
    }

    /**
     * One keyspace.
     *
     * @throws StoreException when the store is down, or makes too many already
     */
    public static Snapshot of(MemberKeyspace keyspace, KeyspaceImage.Server server) {
        Pin pin = keyspace.store().machine().pin();
        try {
            return new Snapshot(pin, new KeyspaceImage(pin, keyspace.space(), server).buckets(""));
        } catch (RuntimeException e) {
            pin.close();
            throw e;
        }
    }

    /** All keyspaces of a store. */
    public static Snapshot of(Store store) {
        Pin pin = store.machine().pin();
        try {
            KeyspaceImage.Server server =
                    new KeyspaceImage.Server(store.options().name(), List.of(), List.of(), "3.5.0");
            List<Bucket> buckets = new ArrayList<>();
            List<String> names = store.options().keyspaces().stream()
                    .map(StoreOptions.KeyspaceOptions::name)
                    .sorted()
                    .toList();
            for (String name : names) {
                buckets.addAll(new KeyspaceImage(pin, store.space(name), server).buckets(prefix(name)));
            }
            String listed = names.stream().collect(Collectors.joining(","));
            String taken = store.kernel().clock().now().toString();
            buckets.add(new Bucket(MANIFEST, taker -> {
                taker.entry(bytes("format"), bytes("1"));
                taker.entry(bytes("keyspaces"), bytes(listed));
                taker.entry(bytes("taken"), bytes(taken));
            }));
            return new Snapshot(pin, buckets);
        } catch (RuntimeException e) {
            pin.close();
            throw e;
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    /** How long the file is, with its checksum. */
    public long bytes() {
        return writer.bytes() + CHECKSUM_BYTES;
    }

    /** Writes the file. */
    public void write(OutputStream out) throws IOException {
        MessageDigest digest = sha256();
        writer.write(new DigestOutputStream(out, digest));
        out.write(digest.digest());
    }

    static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("this JDK lacks SHA-256", e);
        }
    }

    @Override
    public void close() {
        pin.close();
    }
}
