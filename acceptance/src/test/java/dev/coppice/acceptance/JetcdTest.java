package dev.coppice.acceptance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.etcd.jetcd.ByteSequence;
import io.etcd.jetcd.Client;
import io.etcd.jetcd.KV;
import io.etcd.jetcd.KeyValue;
import io.etcd.jetcd.Watch;
import io.etcd.jetcd.auth.Permission;
import io.etcd.jetcd.election.CampaignResponse;
import io.etcd.jetcd.election.NoLeaderException;
import io.etcd.jetcd.kv.GetResponse;
import io.etcd.jetcd.kv.TxnResponse;
import io.etcd.jetcd.lease.LeaseKeepAliveResponse;
import io.etcd.jetcd.maintenance.AlarmType;
import io.etcd.jetcd.op.Cmp;
import io.etcd.jetcd.op.CmpTarget;
import io.etcd.jetcd.op.Op;
import io.etcd.jetcd.options.CompactOption;
import io.etcd.jetcd.options.DeleteOption;
import io.etcd.jetcd.options.GetOption;
import io.etcd.jetcd.options.GetOption.SortOrder;
import io.etcd.jetcd.options.GetOption.SortTarget;
import io.etcd.jetcd.options.LeaseOption;
import io.etcd.jetcd.options.PutOption;
import io.etcd.jetcd.options.WatchOption;
import io.etcd.jetcd.support.CloseableClient;
import io.etcd.jetcd.support.Observers;
import io.etcd.jetcd.watch.WatchEvent;
import io.etcd.jetcd.watch.WatchResponse;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every kind of operation that jetcd has, against a running node. */
final class JetcdTest {
    private static final long LIMIT_SECONDS = 20;

    @TempDir
    private static Path folder;

    private static RunningCoppice coppice;
    private static Client client;
    private static KV kv;

    @BeforeAll
    static void start() throws Exception {
        coppice = RunningCoppice.up(folder.resolve("data"), "--insecure-store");
        client = connect().build();
        kv = client.getKVClient();
    }

    @AfterAll
    static void stop() throws Exception {
        client.close();
        coppice.close();
    }

    private static io.etcd.jetcd.ClientBuilder connect() {
        return Client.builder().endpoints("http://" + coppice.etcd().replaceFirst("^https?://", ""));
    }

    private static ByteSequence bytes(String text) {
        return ByteSequence.from(text, UTF_8);
    }

    private static <T> T get(CompletableFuture<T> future) throws Exception {
        return future.get(LIMIT_SECONDS, TimeUnit.SECONDS);
    }

    private static long put(String key, String value) throws Exception {
        return get(kv.put(bytes(key), bytes(value))).getHeader().getRevision();
    }

    private static GetOption.Builder prefix() {
        return GetOption.builder().isPrefix(true);
    }

    private static List<String> keys(GetResponse response) {
        return response.getKvs().stream()
                .map(pair -> pair.getKey().toString(UTF_8))
                .toList();
    }

    @Test
    void putsGetsAndDeletes() throws Exception {
        long first = put("kv/a", "1");
        var second = get(kv.put(
                bytes("kv/a"), bytes("2"), PutOption.builder().withPrevKV().build()));
        assertThat(second.getPrevKv().getValue()).isEqualTo(bytes("1"));
        KeyValue now = get(kv.get(bytes("kv/a"))).getKvs().getFirst();
        assertThat(now.getVersion()).isEqualTo(2);
        assertThat(now.getCreateRevision()).isEqualTo(first);
        assertThat(get(kv.get(
                                bytes("kv/a"),
                                GetOption.builder().withRevision(first).build()))
                        .getKvs()
                        .getFirst()
                        .getValue())
                .isEqualTo(bytes("1"));
        var deleted = get(kv.delete(
                bytes("kv/"),
                DeleteOption.builder().isPrefix(true).withPrevKV(true).build()));
        assertThat(deleted.getDeleted()).isEqualTo(1);
        assertThat(deleted.getPrevKvs().getFirst().getValue()).isEqualTo(bytes("2"));
        assertThat(get(kv.get(bytes("kv/a"))).getCount()).isZero();
    }

    @Test
    void rangesWithAllOptions() throws Exception {
        for (String key : List.of("c", "a", "b", "d")) {
            put("range/" + key, "v" + key);
        }
        long head = put("range/a", "newer");
        ByteSequence all = bytes("range/");
        GetResponse limited = get(kv.get(all, prefix().withLimit(2).build()));
        assertThat(keys(limited)).containsExactly("range/a", "range/b");
        assertThat(limited.isMore()).isTrue();
        assertThat(limited.getCount()).isEqualTo(4);
        GetResponse counted = get(kv.get(all, prefix().withCountOnly(true).build()));
        assertThat(counted.getKvs()).isEmpty();
        assertThat(counted.getCount()).isEqualTo(4);
        GetResponse bare = get(kv.get(all, prefix().withKeysOnly(true).build()));
        assertThat(bare.getKvs())
                .allSatisfy(pair -> assertThat(pair.getValue().isEmpty()).isTrue());
        assertThat(keys(get(kv.get(
                        all,
                        prefix().withSortField(SortTarget.MOD)
                                .withSortOrder(SortOrder.DESCEND)
                                .build()))))
                .containsExactly("range/a", "range/d", "range/b", "range/c");
        assertThat(keys(get(kv.get(
                        all,
                        prefix().withSortField(SortTarget.VALUE)
                                .withSortOrder(SortOrder.ASCEND)
                                .withLimit(1)
                                .build()))))
                .containsExactly("range/a");
        assertThat(keys(get(kv.get(all, prefix().withMinModRevision(head).build()))))
                .containsExactly("range/a");
        assertThat(keys(get(kv.get(all, prefix().withMaxCreateRevision(head - 3).build()))))
                .containsExactly("range/a", "range/c");
        assertThat(keys(get(kv.get(
                        bytes("range/b"),
                        GetOption.builder()
                                .withRange(bytes("range/d"))
                                .withSerializable(true)
                                .build()))))
                .containsExactly("range/b", "range/c");
    }

    @Test
    void transactions() throws Exception {
        put("txn/a", "1");
        Cmp absent = new Cmp(bytes("txn/b"), Cmp.Op.EQUAL, CmpTarget.version(0));
        Cmp same = new Cmp(bytes("txn/a"), Cmp.Op.EQUAL, CmpTarget.value(bytes("1")));
        TxnResponse done = get(kv.txn()
                .If(absent, same)
                .Then(
                        Op.put(bytes("txn/b"), bytes("2"), PutOption.DEFAULT),
                        Op.get(bytes("txn/b"), GetOption.DEFAULT),
                        Op.txn(
                                new Cmp[] {new Cmp(bytes("txn/a"), Cmp.Op.GREATER, CmpTarget.createRevision(0))},
                                new Op[] {Op.delete(bytes("txn/a"), DeleteOption.DEFAULT)},
                                new Op[0]))
                .commit());
        assertThat(done.isSucceeded()).isTrue();
        assertThat(done.getGetResponses().getFirst().getKvs().getFirst().getValue())
                .isEqualTo(bytes("2"));
        assertThat(done.getTxnResponses().getFirst().isSucceeded()).isTrue();
        assertThat(get(kv.get(bytes("txn/a"))).getCount()).isZero();
        TxnResponse not = get(kv.txn()
                .If(absent)
                .Else(Op.get(bytes("txn/b"), GetOption.DEFAULT))
                .commit());
        assertThat(not.isSucceeded()).isFalse();
        assertThat(not.getGetResponses().getFirst().getCount()).isEqualTo(1);
        assertThatThrownBy(() -> get(kv.txn()
                        .Then(
                                Op.put(bytes("txn/c"), bytes("1"), PutOption.DEFAULT),
                                Op.put(bytes("txn/c"), bytes("2"), PutOption.DEFAULT))
                        .commit()))
                .hasMessageContaining("duplicate key given in txn request");
    }

    private static BlockingQueue<WatchResponse> into(List<Watch.Watcher> watchers, String key, WatchOption option) {
        BlockingQueue<WatchResponse> told = new LinkedBlockingQueue<>();
        watchers.add(client.getWatchClient().watch(bytes(key), option, told::add));
        return told;
    }

    private static WatchResponse next(BlockingQueue<WatchResponse> told) throws InterruptedException {
        WatchResponse response = told.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
        assertThat(response).as("a response in time").isNotNull();
        return response;
    }

    @Test
    void watches() throws Exception {
        long first = put("watch/a", "1");
        put("watch/a", "2");
        List<Watch.Watcher> watchers = new ArrayList<>();
        var past = into(
                watchers,
                "watch/",
                WatchOption.builder()
                        .isPrefix(true)
                        .withRevision(first)
                        .withPrevKV(true)
                        .build());
        var deletions = into(
                watchers,
                "watch/",
                WatchOption.builder()
                        .isPrefix(true)
                        .withRevision(first)
                        .withNoPut(true)
                        .build());
        List<WatchEvent> seen = new ArrayList<>();
        while (seen.size() < 2) {
            seen.addAll(next(past).getEvents());
        }
        assertThat(seen.get(1).getPrevKV().getValue()).isEqualTo(bytes("1"));
        get(kv.delete(bytes("watch/a")));
        WatchEvent gone = next(past).getEvents().getFirst();
        assertThat(gone.getEventType()).isEqualTo(WatchEvent.EventType.DELETE);
        assertThat(gone.getPrevKV().getValue()).isEqualTo(bytes("2"));
        assertThat(next(deletions).getEvents()).hasSize(1);
        client.getWatchClient().requestProgress();
        assertThat(Stream.of(next(past), next(deletions))).allMatch(WatchResponse::isProgressNotify);
        watchers.forEach(Watch.Watcher::close);
    }

    @Test
    void watchesFromACompactedRevisionAreTold() throws Exception {
        long first = put("compacted/a", "1");
        long second = put("compacted/a", "2");
        get(kv.compact(second, CompactOption.builder().withCompactPhysical(true).build()));
        assertThatThrownBy(() -> get(kv.get(
                        bytes("compacted/a"),
                        GetOption.builder().withRevision(first).build())))
                .hasMessageContaining("required revision has been compacted");
        BlockingQueue<Throwable> errors = new LinkedBlockingQueue<>();
        try (Watch.Watcher _ = client.getWatchClient()
                .watch(
                        bytes("compacted/a"),
                        WatchOption.builder().withRevision(first).build(),
                        Watch.listener(response -> {}, errors::add))) {
            assertThat(errors.poll(LIMIT_SECONDS, TimeUnit.SECONDS)).hasMessageContaining("compacted");
        }
    }

    @Test
    void leases() throws Exception {
        var leases = client.getLeaseClient();
        long id = get(leases.grant(60)).getID();
        get(kv.put(
                bytes("lease/a"),
                bytes("1"),
                PutOption.builder().withLeaseId(id).build()));
        var time = get(
                leases.timeToLive(id, LeaseOption.builder().withAttachedKeys().build()));
        assertThat(time.getGrantedTTL()).isEqualTo(60);
        assertThat(time.getTTL()).isBetween(30L, 60L);
        assertThat(time.getKeys()).containsExactly(bytes("lease/a"));
        assertThat(get(leases.keepAliveOnce(id)).getTTL()).isEqualTo(60);
        BlockingQueue<LeaseKeepAliveResponse> alive = new LinkedBlockingQueue<>();
        try (CloseableClient _ = leases.keepAlive(id, Observers.observer(alive::add))) {
            assertThat(alive.poll(LIMIT_SECONDS, TimeUnit.SECONDS)).isNotNull();
        }
        get(leases.revoke(id));
        assertThat(get(kv.get(bytes("lease/a"))).getCount()).isZero();
        assertThatThrownBy(() -> get(leases.revoke(id))).hasMessageContaining("requested lease not found");
        long brief = get(leases.grant(2)).getID();
        get(kv.put(
                bytes("lease/b"),
                bytes("1"),
                PutOption.builder().withLeaseId(brief).build()));
        List<Watch.Watcher> watchers = new ArrayList<>();
        var told =
                into(watchers, "lease/b", WatchOption.builder().withNoPut(true).build());
        assertThat(next(told).getEvents().getFirst().getEventType()).isEqualTo(WatchEvent.EventType.DELETE);
        watchers.forEach(Watch.Watcher::close);
    }

    @Test
    void locksAreFair() throws Exception {
        var leases = client.getLeaseClient();
        var locks = client.getLockClient();
        long mine = get(leases.grant(30)).getID();
        long other = get(leases.grant(30)).getID();
        ByteSequence held = get(locks.lock(bytes("door"), mine)).getKey();
        assertThat(held.toString(UTF_8)).isEqualTo("door/" + Long.toHexString(mine));
        var waiting = locks.lock(bytes("door"), other);
        assertThatThrownBy(() -> waiting.get(300, TimeUnit.MILLISECONDS))
                .isInstanceOf(java.util.concurrent.TimeoutException.class);
        get(locks.unlock(held));
        ByteSequence second = get(waiting).getKey();
        assertThat(second.toString(UTF_8)).isEqualTo("door/" + Long.toHexString(other));
        get(locks.unlock(second));
        get(leases.revoke(mine));
        get(leases.revoke(other));
    }

    @Test
    void elections() throws Exception {
        var leases = client.getLeaseClient();
        var elections = client.getElectionClient();
        long mine = get(leases.grant(30)).getID();
        ByteSequence name = bytes("mayor");
        BlockingQueue<String> observed = new LinkedBlockingQueue<>();
        CampaignResponse won = get(elections.campaign(name, mine, bytes("alice")));
        elections.observe(name, new io.etcd.jetcd.Election.Listener() {
            @Override
            public void onNext(io.etcd.jetcd.election.LeaderResponse response) {
                observed.add(response.getKv().getValue().toString(UTF_8));
            }

            @Override
            public void onError(Throwable error) {}

            @Override
            public void onCompleted() {}
        });
        assertThat(observed.poll(LIMIT_SECONDS, TimeUnit.SECONDS)).isEqualTo("alice");
        assertThat(get(elections.leader(name)).getKv().getValue()).isEqualTo(bytes("alice"));
        get(elections.proclaim(won.getLeader(), bytes("alice the second")));
        assertThat(observed.poll(LIMIT_SECONDS, TimeUnit.SECONDS)).isEqualTo("alice the second");
        long other = get(leases.grant(30)).getID();
        var next = elections.campaign(name, other, bytes("bob"));
        get(elections.resign(won.getLeader()));
        assertThat(get(next).getLeader().getName()).isEqualTo(name);
        assertThat(observed.poll(LIMIT_SECONDS, TimeUnit.SECONDS)).isEqualTo("bob");
        get(elections.resign(get(next).getLeader()));
        assertThatThrownBy(() -> get(elections.leader(name))).hasCauseInstanceOf(NoLeaderException.class);
    }

    @Test
    void clusterAndMaintenance() throws Exception {
        var members = get(client.getClusterClient().listMember()).getMembers();
        assertThat(members).hasSize(1);
        var maintenance = client.getMaintenanceClient();
        var status = get(maintenance.statusMember("http://" + coppice.etcd().replaceFirst("^https?://", "")));
        assertThat(status.getVersion()).startsWith("3.5.");
        assertThat(status.getLeader()).isEqualTo(members.getFirst().getId());
        assertThat(get(maintenance.listAlarms()).getAlarms()).isEmpty();
        get(maintenance.defragmentMember("http://" + coppice.etcd().replaceFirst("^https?://", "")));
        assertThat(get(maintenance.hashKV("http://" + coppice.etcd().replaceFirst("^https?://", ""), 0))
                        .getHash())
                .isNotZero();
        get(maintenance.moveLeader(members.getFirst().getId()));
        assertThatThrownBy(() -> get(maintenance.moveLeader(12))).hasMessageContaining("bad leader transferee");
        assertThat(AlarmType.values()).isNotEmpty();
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        get(maintenance.snapshot(file));
        assertThat(file.size() % 512).isEqualTo(32);
    }

    @Test
    void usersRolesAndTokens() throws Exception {
        var auth = client.getAuthClient();
        get(auth.userAdd(bytes("root"), bytes("secret")));
        get(auth.roleAdd(bytes("root")));
        get(auth.userGrantRole(bytes("root"), bytes("root")));
        get(auth.userAdd(bytes("eve"), bytes("pass")));
        get(auth.roleAdd(bytes("reader")));
        get(auth.roleGrantPermission(bytes("reader"), bytes("auth/"), bytes("auth0"), Permission.Type.READ));
        get(auth.userGrantRole(bytes("eve"), bytes("reader")));
        assertThat(get(auth.roleGet(bytes("reader"))).getPermissions()).hasSize(1);
        assertThat(get(auth.userGet(bytes("eve"))).getRoles()).containsExactly("reader");
        put("auth/a", "1");
        get(auth.authEnable());
        try (Client root =
                connect().user(bytes("root")).password(bytes("secret")).build()) {
            try (Client eve =
                    connect().user(bytes("eve")).password(bytes("pass")).build()) {
                assertThat(get(eve.getKVClient().get(bytes("auth/a"))).getCount())
                        .isEqualTo(1);
                assertThatThrownBy(() -> get(eve.getKVClient().put(bytes("auth/a"), bytes("2"))))
                        .hasMessageContaining("permission denied");
                assertThatThrownBy(() -> get(eve.getKVClient().get(bytes("elsewhere"))))
                        .hasMessageContaining("permission denied");
            }
            get(root.getKVClient().put(bytes("auth/a"), bytes("2")));
            get(root.getAuthClient().authDisable());
            get(root.getAuthClient().userDelete(bytes("eve")));
            get(root.getAuthClient().roleRevokePermission(bytes("reader"), bytes("auth/"), bytes("auth0")));
            get(root.getAuthClient().roleDelete(bytes("reader")));
        }
        get(auth.userDelete(bytes("root")));
        get(auth.roleDelete(bytes("root")));
    }
}
