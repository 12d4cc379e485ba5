package dev.coppice.store;

import dev.coppice.store.api.CompactionRequest;
import dev.coppice.store.api.CompactionResponse;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.DeleteRangeResponse;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseGrantResponse;
import dev.coppice.store.api.LeaseKeepAliveRequest;
import dev.coppice.store.api.LeaseKeepAliveResponse;
import dev.coppice.store.api.LeaseLeasesRequest;
import dev.coppice.store.api.LeaseLeasesResponse;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.LeaseRevokeResponse;
import dev.coppice.store.api.LeaseTimeToLiveRequest;
import dev.coppice.store.api.LeaseTimeToLiveResponse;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.PutResponse;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.RangeResponse;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.TxnResponse;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchResponse;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A multi-version key-value space with etcd's v3 semantics and a revision counter of its own, starting at 1. It speaks
 * etcd's own messages, so that the gRPC surface, the Raft log and an etcd cluster in its place all mean the same.
 *
 * <p>Every method blocks until it is done: a write until it is on disk (on a majority of members) and applied; a range
 * until all writes acknowledged before are visible, unless {@code serializable} is set. Errors are {@link
 * StoreException}s with etcd's codes and texts. A write whose outcome is not known (time-out, leader lost) ends with
 * code {@code UNAVAILABLE} or {@code DEADLINE_EXCEEDED}: it may or may not have happened. Safe for use by many threads.
 *
 * @see <a href="https://etcd.io/docs/v3.5/learning/api/">etcd API</a>
 */
public interface Keyspace {

    String name();

    /** Reads a key or a range, now or at a revision in the past. */
    RangeResponse range(RangeRequest request);

    PutResponse put(PutRequest request);

    DeleteRangeResponse delete(DeleteRangeRequest request);

    /** Compares, then does one of two lists of operations, all at one revision. At most 128 operations. */
    TxnResponse txn(TxnRequest request);

    /** Forgets what happened before a revision; what was visible at it stays readable. */
    CompactionResponse compact(CompactionRequest request);

    /**
     * Starts watching a key or a range. Starting at a compacted revision is no exception of this call: the observer is told,
     * as etcd's clients are.
     */
    Watch watch(WatchCreateRequest request, WatchObserver observer);

    /**
     * The same, of wanted events only. A keyspace in this process asks that before an event waits for the watch, under a lock
     * that all share: it has to be quick, and does not block.
     */
    default Watch watch(WatchCreateRequest request, Predicate<Event> wanted, WatchObserver observer) {
        return watch(request, new WatchObserver() {
            @Override
            public void response(WatchResponse response) throws Exception {
                List<Event> left =
                        response.getEventsList().stream().filter(wanted).toList();
                if (!left.isEmpty() || response.getEventsCount() == 0) {
                    observer.response(response.toBuilder()
                            .clearEvents()
                            .addAllEvents(left)
                            .build());
                }
            }

            @Override
            public void closed(@Nullable Throwable error) {
                observer.closed(error);
            }
        });
    }

    LeaseGrantResponse grant(LeaseGrantRequest request);

    /** Ends a lease and deletes the keys attached to it. */
    LeaseRevokeResponse revoke(LeaseRevokeRequest request);

    /** Renews a lease; the answer's TTL is 0 when there is no such lease. */
    LeaseKeepAliveResponse keepAlive(LeaseKeepAliveRequest request);

    LeaseTimeToLiveResponse timeToLive(LeaseTimeToLiveRequest request);

    LeaseLeasesResponse leases(LeaseLeasesRequest request);

    /** The newest revision that this member has applied. */
    long revision();

    /** The newest revision of all: waits until everything acknowledged before this call, by any member, is visible here. */
    long newestRevision();

    /** The revision before which history is gone; 0 when never compacted. */
    long compactedRevision();

    KeyspaceStatus status();
}
