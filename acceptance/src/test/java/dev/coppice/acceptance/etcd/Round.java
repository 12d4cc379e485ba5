package dev.coppice.acceptance.etcd;

import com.google.protobuf.Message;
import dev.coppice.store.api.DeleteRangeRequest;
import dev.coppice.store.api.LeaseRevokeRequest;
import dev.coppice.store.api.PutResponse;
import dev.coppice.store.api.RangeRequest;
import dev.coppice.store.api.ResponseHeader;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** One seeded sequence of operations on both servers; says where their answers differ. */
final class Round {

    /**
     * A difference.
     *
     * @param expected what etcd answered
     * @param actual what Coppice answered
     */
    record Difference(long seed, int step, String operation, String user, String expected, String actual) {
        @Override
        public String toString() {
            return "seed " + seed + ", step " + step + (user.isEmpty() ? "" : ", as " + user) + ": " + operation
                    + "\n    etcd:    " + expected + "\n    Coppice: " + actual;
        }
    }

    private static final int WATCH_POLLS = 1500;
    private static final int STEPS_BETWEEN_WATCH_CHECKS = 12;

    private final Side etcd;
    private final Side coppice;
    private final long seed;
    private final Random random;
    private final KeyOperations keys;
    private final OtherOperations others;
    private final AuthOperations auth;
    private final List<Difference> differences = new ArrayList<>();
    private int step;
    private int known;
    private long revision;
    private boolean diverged;

    Round(Side etcd, Side coppice, long seed) {
        this.etcd = etcd;
        this.coppice = coppice;
        this.seed = seed;
        this.random = new Random(seed);
        this.keys = new KeyOperations(random);
        this.others = new OtherOperations(random, keys);
        this.auth = new AuthOperations(random, keys);
    }

    /** Runs it from an empty store to an empty store. */
    List<Difference> run(int steps) {
        step = -1000;
        cleared();
        revision = etcd.revision();
        others.at(revision);
        newWatches("");
        step = 0;
        for (int i = 0; i < steps && !diverged; i++) {
            both("", random.nextInt(4) == 0 ? others.next("") : keys.next(""));
        }
        users(steps / 5);
        checkWatches("the end");
        return differences;
    }

    /** Differences met that are meant. */
    int known() {
        return known;
    }

    int steps() {
        return step;
    }

    private void cleared() {
        for (long lease = 11; lease <= 24; lease++) {
            long id = lease;
            both(
                    "",
                    Operation.of(
                            "revoke " + id,
                            side -> side.leases("")
                                    .leaseRevoke(LeaseRevokeRequest.newBuilder()
                                            .setID(id)
                                            .build())));
        }
        both(
                "",
                Operation.of(
                        "delete everything",
                        side -> side.kv("")
                                .deleteRange(DeleteRangeRequest.newBuilder()
                                        .setKey(KeyOperations.bytes(0))
                                        .setRangeEnd(KeyOperations.bytes(0))
                                        .build())));
    }

    private void users(int steps) {
        keys.asUsers();
        for (int i = 0; i < steps && !diverged; i++) {
            both("", auth.next(""));
        }
        both("", auth.signIn());
        both("", auth.enable(""));
        both("", auth.disable(""));
        AuthOperations.rootReady().forEach(each -> both("", each));
        both("", auth.enable(""));
        String user = "";
        for (int i = 0; i < steps * 2 && !diverged; i++) {
            if (random.nextInt(4) == 0) {
                user = auth.user();
            }
            switch (random.nextInt(8)) {
                case 0 -> both(user, auth.signIn());
                case 1, 2 -> both(user, auth.next(user));
                case 3 -> both(user, known(user) ? others.next(user) : keys.nextAsAnybody(user));
                case 4 -> {
                    if (random.nextInt(3) == 0) {
                        String who = user;
                        checkWatches("new watches");
                        newWatches(who);
                    }
                    both(user, others.watch());
                }
                default -> both(user, known(user) ? keys.next(user) : keys.nextAsAnybody(user));
            }
        }
        both("", Operation.of("a token that never was", side -> {
            side.show("nobody", "nonsense.1");
            return side.kv("nobody")
                    .range(RangeRequest.newBuilder()
                            .setKey(KeyOperations.bytes('a'))
                            .build());
        }));
        both("root", Operation.of("sign in root", side -> side.signIn("root", AuthOperations.ROOT_PASSWORD)));
        both("root", auth.disable("root"));
        checkWatches("disabled");
        etcd.forgetTokens();
        coppice.forgetTokens();
        newWatches("");
        AuthOperations.allGone().forEach(each -> both("", each));
    }

    /** Coppice asks for a user where etcd asks for none: leases, compaction, alarms, locks. */
    private boolean known(String user) {
        return etcd.signedIn(user) && coppice.signedIn(user);
    }

    private void newWatches(String user) {
        etcd.newWatches(user);
        coppice.newWatches(user);
    }

    private void both(String user, Operation operation) {
        if (diverged) {
            return;
        }
        step++;
        if (operation.settles() || step % STEPS_BETWEEN_WATCH_CHECKS == 0) {
            checkWatches("before " + operation.text());
        }
        Operation.Outcome expected = operation.on(etcd);
        Operation.Outcome actual = operation.on(coppice);
        if (!expected.plain().equals(actual.plain())) {
            Difference difference =
                    new Difference(seed, step, operation.text(), user, expected.plain(), actual.plain());
            if (KnownDifference.explains(difference)) {
                known++;
            } else {
                differences.add(difference);
            }
            diverged = etcd.revisionOr(-1) != coppice.revisionOr(-1) || differences.size() > 20;
        }
        revision = Math.max(revision, revisionOf(expected.message()));
        others.at(revision);
        if (expected.message() instanceof PutResponse) {
            keys.put(revisionOf(expected.message()));
        }
        if (operation.settles()) {
            checkWatches("after " + operation.text());
        }
    }

    /** Whether each progress that Coppice told is one that etcd told, or comes before the answer that is on its way. */
    private void checkProgress(String when) {
        List<Long> actual = coppice.watches().progress();
        List<Long> expected = etcd.watches().progress();
        List<Long> more = new ArrayList<>(actual);
        more.removeAll(expected);
        more.removeIf(each -> each == revision && actual.size() <= expected.size() + 1);
        if (!more.isEmpty()) {
            differences.add(
                    new Difference(seed, step, "progress, " + when, "", expected.toString(), actual.toString()));
        }
    }

    private static long revisionOf(@Nullable Message answer) {
        if (answer == null) {
            return 0;
        }
        var field = answer.getDescriptorForType().findFieldByName("header");
        return field != null && answer.getField(field) instanceof ResponseHeader header ? header.getRevision() : 0;
    }

    /** Waits until both have told the same; what etcd tells late (it looks every 100 ms for watches that are behind) counts. */
    private void checkWatches(String when) {
        if (diverged) {
            return;
        }
        List<String> expected = List.of();
        List<String> actual = List.of();
        for (int poll = 0; poll < WATCH_POLLS; poll++) {
            expected = etcd.watches().told();
            actual = coppice.watches().told();
            if (expected.equals(actual)) {
                checkProgress(when);
                return;
            }
            Pause.shortly();
        }
        List<String> missing = new ArrayList<>(expected);
        actual.forEach(missing::remove);
        List<String> more = new ArrayList<>(actual);
        expected.forEach(more::remove);
        differences.add(new Difference(
                seed, step, "watches, " + when, "", "only etcd told " + missing, "only Coppice told " + more));
        newWatches("");
    }
}
