package dev.coppice.acceptance.etcd;

import static dev.coppice.acceptance.etcd.KeyOperations.shown;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.AlarmRequest;
import dev.coppice.store.api.AlarmResponse;
import dev.coppice.store.api.AlarmType;
import dev.coppice.store.api.CampaignRequest;
import dev.coppice.store.api.DefragmentRequest;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.HashKVRequest;
import dev.coppice.store.api.LeaderKey;
import dev.coppice.store.api.LeaderRequest;
import dev.coppice.store.api.LeaseGrantRequest;
import dev.coppice.store.api.LeaseGrantResponse;
import dev.coppice.store.api.LeaseLeasesRequest;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.LeaseTimeToLiveRequest;
import dev.coppice.store.api.LockRequest;
import dev.coppice.store.api.MemberAddRequest;
import dev.coppice.store.api.MemberListRequest;
import dev.coppice.store.api.MemberPromoteRequest;
import dev.coppice.store.api.MemberRemoveRequest;
import dev.coppice.store.api.MemberUpdateRequest;
import dev.coppice.store.api.MoveLeaderRequest;
import dev.coppice.store.api.ProclaimRequest;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.ResignRequest;
import dev.coppice.store.api.StatusRequest;
import dev.coppice.store.api.StatusResponse;
import dev.coppice.store.api.UnlockRequest;
import dev.coppice.store.api.WatchCancelRequest;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchProgressRequest;
import dev.coppice.store.api.WatchRequest;
import java.util.List;
import java.util.Random;

/** Random requests about leases, watches, locks, elections, members and maintenance. */
final class OtherOperations {

    /** Names nobody, so that an error is the answer. */
    private static final long NOBODY = 77;

    private final Random random;
    private final KeyOperations keys;
    private long revision;

    OtherOperations(Random random, KeyOperations keys) {
        this.random = random;
        this.keys = keys;
    }

    void at(long newest) {
        revision = newest;
        keys.at(newest);
    }

    private boolean now(int oneIn) {
        return random.nextInt(oneIn) == 0;
    }

    private long someLease() {
        return 11 + random.nextInt(6);
    }

    Operation next(String user) {
        return switch (random.nextInt(16)) {
            case 0, 1, 2, 3, 4 -> lease(user);
            case 5, 6, 7, 8, 9 -> watch();
            case 10, 11 -> lock(user);
            case 12, 13 -> election(user);
            case 14 -> maintenance(user);
            default -> member(user);
        };
    }

    // ---- leases

    Operation lease(String user) {
        long id = now(40) ? random.nextInt(3) - 2 : someLease();
        return switch (random.nextInt(9)) {
            case 0, 1, 2, 3 -> {
                var request = LeaseGrantRequest.newBuilder()
                        .setID(id == 0 ? someLease() : id)
                        .setTTL(1000 + random.nextInt(100) + (now(9) ? 9_000_000_000L : 0))
                        .build();
                yield Operation.of(shown(request), side -> side.leases(user).leaseGrant(request));
            }
            case 4 -> {
                var request = LeaseRevokeRequest.newBuilder().setID(id).build();
                yield Operation.of(shown(request), side -> side.leases(user).leaseRevoke(request));
            }
            case 5 -> {
                var request = LeaseTimeToLiveRequest.newBuilder()
                        .setID(id)
                        .setKeys(now(2))
                        .build();
                yield Operation.of(shown(request), side -> side.leases(user).leaseTimeToLive(request));
            }
            case 6 ->
                Operation.of(
                        "LeaseLeases", side -> side.leases(user).leaseLeases(LeaseLeasesRequest.getDefaultInstance()));
            case 7 -> Operation.of("LeaseKeepAlive " + id, side -> side.keepAlive(user, id));
            default -> {
                long ttl = random.nextInt(4) - 2;
                yield Operation.of(
                        "LeaseGrant with an identifier of the server's, TTL " + ttl + ", and revoke", side -> {
                            LeaseGrantResponse granted = side.leases(user)
                                    .leaseGrant(LeaseGrantRequest.newBuilder()
                                            .setTTL(ttl)
                                            .build());
                            var unused = side.leases(user)
                                    .leaseRevoke(LeaseRevokeRequest.newBuilder()
                                            .setID(granted.getID())
                                            .build());
                            return granted.toBuilder()
                                    .setID(Long.signum(granted.getID()))
                                    .build();
                        });
            }
        };
    }

    // ---- watches

    Operation watch() {
        if (now(8)) {
            return Operation.settled("ask for the progress of watches", side -> {
                side.watches()
                        .send(WatchRequest.newBuilder()
                                .setProgressRequest(WatchProgressRequest.getDefaultInstance())
                                .build());
                return "";
            });
        }
        if (now(3)) {
            long id = random.nextInt(10);
            return Operation.settled("cancel watch " + id, side -> {
                side.watches()
                        .send(WatchRequest.newBuilder()
                                .setCancelRequest(
                                        WatchCancelRequest.newBuilder().setWatchId(id))
                                .build());
                return "";
            });
        }
        WatchCreateRequest request = keys.watch();
        return Operation.settled(shown(request), side -> {
            side.watches()
                    .send(WatchRequest.newBuilder().setCreateRequest(request).build());
            return "";
        });
    }

    // ---- locks and elections; with leases that are there or not, never waiting

    private Operation lock(String user) {
        long lease = 21 + random.nextInt(2);
        ByteString name = ByteString.copyFromUtf8("lock" + lease);
        ByteString key = name.concat(ByteString.copyFromUtf8("/" + Long.toHexString(lease)));
        return switch (random.nextInt(4)) {
            case 0 -> granted(user, lease);
            case 1, 2 -> {
                var request =
                        LockRequest.newBuilder().setName(name).setLease(lease).build();
                yield Operation.of(shown(request), side -> side.locks(user).lock(request));
            }
            default -> {
                var request = UnlockRequest.newBuilder().setKey(key).build();
                yield Operation.of(shown(request), side -> side.locks(user).unlock(request));
            }
        };
    }

    private static Operation granted(String user, long lease) {
        var request = LeaseGrantRequest.newBuilder().setID(lease).setTTL(2000).build();
        return Operation.of(shown(request), side -> side.leases(user).leaseGrant(request));
    }

    private Operation election(String user) {
        long lease = 23 + random.nextInt(2);
        ByteString name = ByteString.copyFromUtf8("election" + lease);
        ByteString value = ByteString.copyFromUtf8("value" + random.nextInt(2));
        LeaderKey key = LeaderKey.newBuilder()
                .setName(name)
                .setKey(name.concat(ByteString.copyFromUtf8("/" + Long.toHexString(lease))))
                .setLease(lease)
                .setRev(Math.max(1, revision - random.nextInt(4)))
                .build();
        return switch (random.nextInt(8)) {
            case 0 -> granted(user, lease);
            case 1, 2 -> {
                var request = CampaignRequest.newBuilder()
                        .setName(name)
                        .setLease(lease)
                        .setValue(value)
                        .build();
                yield Operation.of(shown(request), side -> side.elections(user).campaign(request));
            }
            case 3, 4 -> {
                var request = LeaderRequest.newBuilder().setName(name).build();
                yield Operation.of(shown(request), side -> side.elections(user).leader(request));
            }
            case 5 -> {
                var request = ProclaimRequest.newBuilder().setValue(value);
                if (!now(4)) {
                    request.setLeader(key);
                }
                yield Operation.of(
                        shown(request.build()), side -> side.elections(user).proclaim(request.build()));
            }
            case 6 -> {
                var request = LeaderRequest.newBuilder().setName(name).build();
                yield Operation.of("observe " + shown(request), side -> side.observed(user, request));
            }
            default -> {
                var request = ResignRequest.newBuilder();
                if (!now(4)) {
                    request.setLeader(key);
                }
                yield Operation.of(
                        shown(request.build()), side -> side.elections(user).resign(request.build()));
            }
        };
    }

    // ---- maintenance and members

    Operation maintenance(String user) {
        return switch (random.nextInt(7)) {
            case 0 ->
                Operation.of(
                        "Status",
                        side -> status(side, side.maintenance(user).status(StatusRequest.getDefaultInstance())));
            case 1, 2 -> {
                var request = HashKVRequest.newBuilder()
                        .setRevision(now(2) ? 0 : Math.max(0, revision + 1 - random.nextInt(10)))
                        .build();
                yield Operation.of(
                        shown(request), side -> side.maintenance(user).hashKV(request));
            }
            case 3 ->
                now(4)
                        ? Operation.of(
                                "Defragment",
                                side -> side.maintenance(user).defragment(DefragmentRequest.getDefaultInstance()))
                        : maintenance(user);
            case 4 -> {
                boolean self = now(2);
                yield Operation.of(
                        "MoveLeader to " + (self ? "itself" : "nobody"),
                        side -> side.maintenance(user)
                                .moveLeader(MoveLeaderRequest.newBuilder()
                                        .setTargetID(self ? side.memberId() : NOBODY)
                                        .build()));
            }
            default -> alarm(user);
        };
    }

    /** Sizes and places in the log are each server's own; that they are there is not. */
    private static StatusResponse status(Side side, StatusResponse answer) {
        return answer.toBuilder()
                .clearVersion()
                .setDbSize(Long.signum(answer.getDbSize()))
                .setDbSizeInUse(Long.signum(answer.getDbSizeInUse()))
                .setRaftTerm(Long.signum(answer.getRaftTerm()))
                .setRaftIndex(Long.signum(answer.getRaftIndex()))
                .setRaftAppliedIndex(Long.signum(answer.getRaftAppliedIndex()))
                .clearErrors()
                .addAllErrors(answer.getErrorsList().stream()
                        .map(each -> each.replace(Long.toUnsignedString(side.memberId()), "MEMBER"))
                        .toList())
                .build();
    }

    /** Raises an alarm, looks at what may still be done, and takes it back: all in one, so that no other operation meets it. */
    private Operation alarm(String user) {
        AlarmType type = now(3) ? AlarmType.NONE : AlarmType.NOSPACE;
        // Never no alarm of no member: etcd 3.4 ends then, since it cannot write it.
        int member = type == AlarmType.NONE ? 1 + random.nextInt(3) : random.nextInt(4);
        List<Operation> parts = List.of(
                Operation.of("", side -> alarm(side, user, AlarmRequest.AlarmAction.ACTIVATE, type, member)),
                Operation.of("", side -> alarm(side, user, AlarmRequest.AlarmAction.GET, AlarmType.NONE, 0)),
                Operation.of("", side -> alarm(side, user, AlarmRequest.AlarmAction.GET, AlarmType.CORRUPT, 0)),
                Operation.of(
                        "", side -> status(side, side.maintenance(user).status(StatusRequest.getDefaultInstance()))),
                Operation.of(
                        "",
                        side -> side.kv(user)
                                .put(PutRequest.newBuilder()
                                        .setKey(KeyOperations.bytes('a'))
                                        .build())),
                lease(user),
                Operation.of(
                        "",
                        side -> side.kv(user)
                                .deleteRange(DeleteRangeRequest.newBuilder()
                                        .setKey(KeyOperations.bytes('a'))
                                        .build())),
                Operation.of("", side -> alarm(side, user, AlarmRequest.AlarmAction.DEACTIVATE, AlarmType.CORRUPT, 2)),
                Operation.of("", side -> alarm(side, user, AlarmRequest.AlarmAction.DEACTIVATE, type, member)),
                Operation.of("", side -> alarm(side, user, AlarmRequest.AlarmAction.GET, AlarmType.NONE, 0)));
        return Operation.of(
                "Alarm " + type + " of member " + member,
                side -> parts.stream().map(each -> each.on(side).plain()).toList());
    }

    /** The header is 3.5's: 3.4 answers without. */
    private static AlarmResponse alarm(
            Side side, String user, AlarmRequest.AlarmAction action, AlarmType type, int member) {
        return side
                .maintenance(user)
                .alarm(AlarmRequest.newBuilder()
                        .setAction(action)
                        .setAlarm(type)
                        .setMemberID(member > 1 ? side.memberId() : member * NOBODY)
                        .build())
                .toBuilder()
                .clearHeader()
                .build();
    }

    private static final List<String> URLS = List.of(
            "nonsense",
            "http://127.0.0.1",
            "http://127.0.0.1:1/path",
            "http://127.0.0.1:1/",
            "ftp://127.0.0.1:1",
            "http://",
            "127.0.0.1:1",
            "http://127.0.0.1:port",
            "");

    /** Never a good one of another place: a member is not added, and none moves. */
    private List<String> urls(Side side, int which) {
        return which < URLS.size()
                ? List.of(URLS.get(which))
                : side
                        .cluster(side.signedIn("root") ? "root" : "")
                        .memberList(MemberListRequest.getDefaultInstance())
                        .getMembersList()
                        .stream()
                        .flatMap(member -> member.getPeerURLsList().stream())
                        .toList();
    }

    private Operation member(String user) {
        boolean self = now(2);
        int which = random.nextInt(URLS.size() + 3);
        String who = self ? "itself" : "nobody";
        String urls = which < URLS.size() ? URLS.get(which) : "those it has";
        return switch (random.nextInt(6)) {
            case 0 ->
                Operation.of(
                        "MemberList", side -> side.cluster(user).memberList(MemberListRequest.getDefaultInstance()));
            case 1 ->
                Operation.of(
                        "MemberAdd without URLs",
                        side -> side.cluster(user).memberAdd(MemberAddRequest.getDefaultInstance()));
            case 2 ->
                Operation.of(
                        "MemberAdd with " + urls + (self ? " as learner" : ""),
                        side -> side.cluster(user)
                                .memberAdd(MemberAddRequest.newBuilder()
                                        .addAllPeerURLs(urls(side, which))
                                        .setIsLearner(self)
                                        .build()));
            case 3 ->
                Operation.of(
                        "MemberRemove of " + who,
                        side -> side.cluster(user)
                                .memberRemove(MemberRemoveRequest.newBuilder()
                                        .setID(self ? side.memberId() : NOBODY)
                                        .build()));
            case 4 ->
                Operation.of(
                        "MemberUpdate of " + who + " with " + (self ? "those it has" : urls),
                        side -> side.cluster(user)
                                .memberUpdate(MemberUpdateRequest.newBuilder()
                                        .setID(self ? side.memberId() : NOBODY)
                                        // etcd takes whatever it is told of itself.
                                        .addAllPeerURLs(urls(side, self ? URLS.size() : which))
                                        .build()));
            default ->
                Operation.of(
                        "MemberPromote of " + who,
                        side -> side.cluster(user)
                                .memberPromote(MemberPromoteRequest.newBuilder()
                                        .setID(self ? side.memberId() : NOBODY)
                                        .build()));
        };
    }
}
