package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.KeyValue;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeRequest.SortOrder;
import dev.coppice.store.api.RangeRequest.SortTarget;
import dev.coppice.store.api.RangeResponse;
import io.grpc.Status.Code;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksIterator;

/** Reads ranges of keys, now or at a revision in the past, with etcd's limits, filters and orders. */
final class Ranges {
    private Ranges() {}

    /** The most bytes of pairs that one answer may hold in memory. */
    static final long MAX_ANSWER_BYTES = 256L << 20;

    private static final int STEPS_BEFORE_SEEK = 8;

    /** A key and the version of it that is asked for. */
    record Entry(ByteString key, Version version) {}

    /** Takes entries in the order of their keys; false ends the scan. */
    interface Visitor {
        boolean visit(ByteString key, byte[] version);
    }

    /**
     * Answers a request, without a header.
     *
     * @param current the newest revision that the source shows
     * @param compacted the revision before which history is gone
     */
    static RangeResponse.Builder range(Source source, int space, RangeRequest request, long current, long compacted) {
        if (request.getRevision() > current) {
            throw Errors.futureRevision();
        }
        if (request.getRevision() > 0 && request.getRevision() < compacted) {
            throw Errors.compacted();
        }
        long revision = request.getRevision() <= 0 ? current : request.getRevision();
        Selection selection = new Selection(request);
        scan(source, space, request.getKey(), request.getRangeEnd(), revision, revision == current, selection);
        RangeResponse.Builder response = RangeResponse.newBuilder().setCount(selection.count);
        if (request.getCountOnly()) {
            return response;
        }
        Answer answer = new Answer(source, space, request);
        return answer.fill(selection.entries, response.setMore(selection.more));
    }

    /** Every key of a range, as of a revision that the source still has. */
    static void scan(
            Source source,
            int space,
            ByteString key,
            ByteString rangeEnd,
            long revision,
            boolean current,
            Visitor visitor) {
        if (current && rangeEnd.isEmpty()) {
            byte[] found = source.get(Database.Family.LIVE, Codec.live(space, key));
            if (found != null) {
                visitor.visit(key, found);
            }
        } else if (current) {
            scanLive(source, space, key, rangeEnd, visitor);
        } else {
            scanHistory(source, space, key, rangeEnd, revision, visitor);
        }
    }

    private static void scanLive(Source source, int space, ByteString key, ByteString rangeEnd, Visitor visitor) {
        byte[] end = Codec.liveEnd(space, rangeEnd);
        try (RocksIterator iterator = source.iterate(Database.Family.LIVE)) {
            for (iterator.seek(Codec.live(space, key)); iterator.isValid(); iterator.next()) {
                byte[] at = iterator.key();
                if (Codec.compare(at, end) >= 0 || !visitor.visit(Codec.keyOfLive(at), iterator.value())) {
                    return;
                }
            }
            check(iterator);
        }
    }

    private static void scanHistory(
            Source source, int space, ByteString key, ByteString rangeEnd, long revision, Visitor visitor) {
        byte[] start = Codec.historyPrefix(space, key);
        byte[] end = rangeEnd.isEmpty() ? endOf(start) : Codec.historyEnd(space, rangeEnd);
        try (RocksIterator iterator = source.iterate(Database.Family.HISTORY)) {
            iterator.seek(start);
            while (iterator.isValid()) {
                byte[] at = iterator.key();
                if (Codec.compare(at, end) >= 0) {
                    return;
                }
                ByteString found = Codec.keyOfHistory(at);
                byte[] next = Codec.afterHistoryOf(at);
                if (Codec.revisionOfHistory(at) > revision) {
                    iterator.seek(Codec.history(space, found, revision));
                    if (!iterator.isValid() || Codec.compare(iterator.key(), next) >= 0) {
                        continue;
                    }
                }
                byte[] version = iterator.value();
                if (!Version.decode(version).deleted() && !visitor.visit(found, version)) {
                    return;
                }
                skipTo(iterator, next);
            }
            check(iterator);
        }
    }

    private static byte[] endOf(byte[] historyPrefix) {
        byte[] end = historyPrefix.clone();
        end[end.length - 1] = 1;
        return end;
    }

    /** Most keys have few versions: stepping over them is cheaper than a seek. */
    private static void skipTo(RocksIterator iterator, byte[] next) {
        for (int i = 0; i < STEPS_BEFORE_SEEK; i++) {
            iterator.next();
            if (!iterator.isValid() || Codec.compare(iterator.key(), next) >= 0) {
                return;
            }
        }
        iterator.seek(next);
    }

    static void check(RocksIterator iterator) {
        try {
            iterator.status();
        } catch (org.rocksdb.RocksDBException e) {
            throw new Database.DatabaseException(e);
        }
    }

    /** The version of a key that was current just before a revision, or null when there was none. */
    static @Nullable Version before(Source source, int space, ByteString key, long revision) {
        try (RocksIterator iterator = source.iterate(Database.Family.HISTORY)) {
            byte[] prefix = Codec.historyPrefix(space, key);
            iterator.seek(Codec.history(space, key, revision - 1));
            if (!iterator.isValid()) {
                check(iterator);
                return null;
            }
            if (iterator.key().length != prefix.length + 8 || !Codec.startsWith(iterator.key(), prefix)) {
                return null;
            }
            Version version = Version.decode(iterator.value());
            return version.deleted() ? null : version;
        }
    }

    /** Counts a range and keeps what the answer needs of it. */
    private static final class Selection implements Visitor {
        private final RangeRequest request;
        private final boolean keepAll;
        private final long most;
        private final List<Entry> entries = new ArrayList<>();
        private long count;
        private boolean more;

        Selection(RangeRequest request) {
            this.request = request;
            // As in etcd: without an order, what is sorted is the limit and one more by key, unless there are filters.
            boolean other = request.getSortTarget() != SortTarget.KEY;
            this.keepAll = request.getLimit() <= 0
                    || request.getSortOrder() == SortOrder.DESCEND
                    || other && (request.getSortOrder() != SortOrder.NONE || filtered(request));
            this.most = request.getLimit() + (other ? 1 : 0);
        }

        @Override
        public boolean visit(ByteString key, byte[] encoded) {
            count++;
            if (request.getCountOnly() || (more && !keepAll)) {
                return true;
            }
            Version version = Version.decode(encoded);
            if (!wanted(version)) {
                return true;
            }
            if (!keepAll && entries.size() >= most) {
                more = true;
                return true;
            }
            entries.add(new Entry(key, version));
            return true;
        }

        private static boolean filtered(RangeRequest request) {
            return request.getMinModRevision() != 0
                    || request.getMaxModRevision() != 0
                    || request.getMinCreateRevision() != 0
                    || request.getMaxCreateRevision() != 0;
        }

        private boolean wanted(Version version) {
            return !(request.getMinModRevision() != 0 && version.mod() < request.getMinModRevision()
                    || request.getMaxModRevision() != 0 && version.mod() > request.getMaxModRevision()
                    || request.getMinCreateRevision() != 0 && version.create() < request.getMinCreateRevision()
                    || request.getMaxCreateRevision() != 0 && version.create() > request.getMaxCreateRevision());
        }
    }

    private static boolean sorted(RangeRequest request) {
        return request.getSortOrder() == SortOrder.DESCEND || request.getSortTarget() != SortTarget.KEY;
    }

    /** Sorts, cuts and loads the values. */
    private record Answer(Source source, int space, RangeRequest request) {

        RangeResponse.Builder fill(List<Entry> entries, RangeResponse.Builder response) {
            long limit = request.getLimit() <= 0 ? Long.MAX_VALUE : request.getLimit();
            if (request.getSortTarget() == SortTarget.VALUE) {
                return fillByValue(entries, limit, response);
            }
            if (sorted(request)) {
                entries.sort(order());
                if (entries.size() > limit) {
                    entries = entries.subList(0, (int) limit);
                    response.setMore(true);
                }
            }
            long bytes = 0;
            for (Entry entry : entries) {
                KeyValue pair = request.getKeysOnly() ? entry.version().keyOnly(entry.key()) : load(entry);
                bytes += pair.getSerializedSize();
                checkSize(bytes);
                response.addKvs(pair);
            }
            return response;
        }

        private RangeResponse.Builder fillByValue(List<Entry> entries, long limit, RangeResponse.Builder response) {
            List<KeyValue> pairs = new ArrayList<>(entries.size());
            long bytes = 0;
            for (Entry entry : entries) {
                KeyValue pair = load(entry);
                bytes += pair.getSerializedSize();
                checkSize(bytes);
                pairs.add(pair);
            }
            Comparator<KeyValue> byValue =
                    Comparator.comparing(KeyValue::getValue, ByteString.unsignedLexicographicalComparator());
            pairs.sort(request.getSortOrder() == SortOrder.DESCEND ? byValue.reversed() : byValue);
            response.setMore(pairs.size() > limit);
            for (KeyValue pair : pairs.subList(0, (int) Math.min(limit, pairs.size()))) {
                response.addKvs(
                        request.getKeysOnly() ? pair.toBuilder().clearValue().build() : pair);
            }
            return response;
        }

        private KeyValue load(Entry entry) {
            KeyValue pair = source.pair(space, entry.version());
            if (pair == null) {
                throw new IllegalStateException(
                        "the value of revision " + entry.version().mod()
                                + " is missing: the data directory is damaged; restore it from a backup");
            }
            return pair;
        }

        private static void checkSize(long bytes) {
            if (bytes > MAX_ANSWER_BYTES) {
                throw new StoreException(
                        Code.RESOURCE_EXHAUSTED,
                        "etcdserver: the answer is over " + (MAX_ANSWER_BYTES >> 20)
                                + " MiB; ask for less at once with limit");
            }
        }

        private Comparator<Entry> order() {
            Comparator<Entry> order = switch (request.getSortTarget()) {
                case KEY, VALUE, UNRECOGNIZED ->
                    Comparator.comparing(Entry::key, ByteString.unsignedLexicographicalComparator());
                case VERSION ->
                    Comparator.comparingLong(entry -> entry.version().version());
                case CREATE -> Comparator.comparingLong(entry -> entry.version().create());
                case MOD -> Comparator.comparingLong(entry -> entry.version().mod());
            };
            return request.getSortOrder() == SortOrder.DESCEND ? order.reversed() : order;
        }
    }
}
