package dev.coppice.acceptance.fault;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.acceptance.fault.KeyValueModel.Compare;
import dev.coppice.acceptance.fault.KeyValueModel.Delete;
import dev.coppice.acceptance.fault.KeyValueModel.Get;
import dev.coppice.acceptance.fault.KeyValueModel.Put;
import dev.coppice.acceptance.fault.KeyValueModel.Request;
import dev.coppice.acceptance.fault.KeyValueModel.Response;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Histories of which it is known whether they are linearizable. */
class LinearizabilityCheckerTest {
    private final List<Operation<Request, Response>> history = new ArrayList<>();

    private void happened(long invoked, long returned, Request request, boolean succeeded, @Nullable String... values) {
        happenedAt(returned, invoked, returned, request, succeeded, values);
    }

    private void happenedAt(
            long revision,
            long invoked,
            long returned,
            Request request,
            boolean succeeded,
            @Nullable String... values) {
        history.add(new Operation<>(
                history.size(), request, new Response(succeeded, Arrays.asList(values), revision), invoked, returned));
    }

    private void unknown(long invoked, Request request) {
        history.add(Operation.unknown(history.size(), request, invoked));
    }

    private static Request put(String value) {
        return Request.of(new Put("k", value));
    }

    private static Request get() {
        return Request.of(new Get("k"));
    }

    private Verdict verdict() {
        return LinearizabilityChecker.check(new KeyValueModel(), history);
    }

    private void isLinearizable() {
        assertThat(verdict()).isInstanceOf(Verdict.Linearizable.class);
    }

    private void isNotLinearizable() {
        assertThat(verdict()).isInstanceOf(Verdict.Violation.class);
    }

    @Test
    void anEmptyHistoryIsLinearizable() {
        isLinearizable();
    }

    @Test
    void oneAfterTheOther() {
        happened(1, 2, put("a"), true, (String) null);
        happened(3, 4, get(), true, "a");
        happened(5, 6, Request.of(new Delete("k")), true, "a");
        happened(7, 8, get(), true, (String) null);
        isLinearizable();
    }

    @Test
    void aStaleReadIsNot() {
        happened(1, 2, put("a"), true, (String) null);
        happened(3, 4, put("b"), true, "a");
        happened(5, 6, get(), true, "a");
        isNotLinearizable();
    }

    @Test
    void aLostWriteIsNot() {
        happened(1, 2, put("a"), true, (String) null);
        happened(3, 4, get(), true, (String) null);
        isNotLinearizable();
    }

    @Test
    void aReadBesideAWriteSeesEither() {
        happened(1, 2, put("a"), true, (String) null);
        happenedAt(3, 3, 10, put("b"), true, "a");
        happenedAt(3, 4, 12, get(), true, "b");
        happenedAt(2, 5, 11, get(), true, "a");
        isLinearizable();
    }

    @Test
    void readsThatGoBackBesideAWriteAreNot() {
        happened(1, 2, put("a"), true, (String) null);
        happenedAt(3, 3, 10, put("b"), true, "a");
        happenedAt(3, 4, 5, get(), true, "b");
        happenedAt(3, 6, 7, get(), true, "a");
        isNotLinearizable();
    }

    @Test
    void twoSwapsOfTheSameValueAreNot() {
        Request first = new Request(List.of(new Compare("k", null)), List.of(new Put("k", "a")), List.of());
        Request second = new Request(List.of(new Compare("k", null)), List.of(new Put("k", "b")), List.of());
        happened(1, 10, first, true, (String) null);
        happened(2, 11, second, true, (String) null);
        isNotLinearizable();
    }

    @Test
    void aWriteOfUnknownOutcomeMayHaveHappened() {
        unknown(1, put("a"));
        happened(5, 6, get(), true, (String) null);
        happened(7, 8, get(), true, "a");
        isLinearizable();
    }

    @Test
    void aWriteOfUnknownOutcomeMayNotHaveHappened() {
        unknown(1, put("a"));
        unknown(2, put("b"));
        happened(5, 6, get(), true, (String) null);
        isLinearizable();
    }

    @Test
    void aWriteOfUnknownOutcomeDoesNotHappenTwice() {
        happened(1, 2, put("x"), true, (String) null);
        unknown(3, put("a"));
        happened(5, 6, get(), true, "a");
        happened(7, 8, put("b"), true, "a");
        happened(9, 10, get(), true, "a");
        isNotLinearizable();
    }

    @Test
    void aWriteDoesNotHappenBeforeItIsAskedFor() {
        happened(1, 2, get(), true, "a");
        unknown(3, put("a"));
        isNotLinearizable();
    }

    @Test
    void anOutcomeThatIsUnknownButOverEndsThere() {
        history.add(new Operation<>(0, put("a"), null, 1, 4));
        happened(5, 6, get(), true, (String) null);
        happened(7, 8, get(), true, "a");
        isNotLinearizable();
        history.removeLast();
        isLinearizable();
    }

    @Test
    void atomicOverSeveralKeys() {
        happened(1, 4, Request.of(new Put("x", "1"), new Put("y", "1")), true, null, null);
        happened(2, 6, Request.of(new Get("x"), new Get("y")), true, "1", null);
        isNotLinearizable();
    }

    @Test
    void revisionsThatGoBackAreNot() {
        history.add(new Operation<>(0, put("a"), new Response(true, Arrays.asList((String) null), 7), 1, 2));
        history.add(new Operation<>(0, put("b"), new Response(true, List.of("a"), 6), 3, 4));
        isNotLinearizable();
    }

    @Test
    void aViolationNamesWhatDoesNotFit() {
        happened(1, 2, put("a"), true, (String) null);
        happened(3, 4, get(), true, "zzz");
        assertThat(verdict().toString()).contains("Put[key=k, value=a]").contains("zzz");
    }

    @Test
    void theSearchIsBounded() {
        for (int i = 0; i < 30; i++) {
            unknown(1, put("v" + i));
        }
        happened(100, 101, get(), true, "never written");
        Verdict verdict = LinearizabilityChecker.check(new KeyValueModel(), history, 10_000);
        assertThat(verdict).isInstanceOf(Verdict.Undecided.class);
    }

    @Test
    void aLockIsHeldByOneAtATime() {
        List<Operation<LockModel.Request, Boolean>> locks = new ArrayList<>();
        locks.add(new Operation<>(0, new LockModel.Lock("a"), true, 1, 2));
        locks.add(new Operation<>(1, new LockModel.Lock("b"), true, 1, 5));
        locks.add(new Operation<>(0, new LockModel.Release("a"), true, 3, 6));
        assertThat(LinearizabilityChecker.check(new LockModel(), locks)).isInstanceOf(Verdict.Linearizable.class);
        locks.set(2, new Operation<>(0, new LockModel.Release("a"), true, 6, 7));
        assertThat(LinearizabilityChecker.check(new LockModel(), locks)).isInstanceOf(Verdict.Violation.class);
    }

    @Test
    void aLeaseThatIsGoneStaysGone() {
        List<Operation<LeaseModel.Request, Boolean>> lease = new ArrayList<>();
        lease.add(new Operation<>(0, LeaseModel.Request.GRANT, true, 1, 2));
        lease.add(new Operation<>(0, LeaseModel.Request.LOOK, false, 3, 4));
        assertThat(LinearizabilityChecker.check(new LeaseModel(), lease)).isInstanceOf(Verdict.Violation.class);
        lease.add(Operation.unknown(-1, LeaseModel.Request.EXPIRE, 0));
        assertThat(LinearizabilityChecker.check(new LeaseModel(), lease)).isInstanceOf(Verdict.Linearizable.class);
        lease.add(new Operation<>(0, LeaseModel.Request.RENEW, true, 5, 6));
        assertThat(LinearizabilityChecker.check(new LeaseModel(), lease)).isInstanceOf(Verdict.Violation.class);
    }

    /** Histories made by a true register; then one answer is changed to that of another time. */
    @Test
    void randomHistoriesAreToldApart() {
        long seed = Long.getLong("seed", new Random().nextLong());
        System.out.println("-Dseed=" + seed);
        Random random = new Random(seed);
        int refused = 0;
        for (int round = 0; round < 200; round++) {
            List<Operation<Request, Response>> made = simulate(random);
            assertThat(LinearizabilityChecker.check(new KeyValueModel(), made))
                    .isInstanceOf(Verdict.Linearizable.class);
            int changed = random.nextInt(made.size());
            Operation<Request, Response> victim = made.get(changed);
            Response response = victim.output();
            if (response != null) {
                List<@Nullable String> values = new ArrayList<>(response.told());
                values.replaceAll(_ -> "value of no time");
                made.set(
                        changed,
                        new Operation<>(
                                victim.client(),
                                victim.input(),
                                new Response(response.succeeded(), values, response.revision()),
                                victim.invokedNanos(),
                                victim.returnedNanos()));
                assertThat(LinearizabilityChecker.check(new KeyValueModel(), made))
                        .isInstanceOf(Verdict.Violation.class);
                refused++;
            }
        }
        assertThat(refused).isPositive();
    }

    /** Each operation takes effect at a random moment between its invocation and its return. */
    private static List<Operation<Request, Response>> simulate(Random random) {
        record Planned(int client, long invoked, long effect, long returned, Request request) {}
        List<Planned> planned = new ArrayList<>();
        long[] free = new long[5];
        for (int i = 0; i < 60; i++) {
            int client = random.nextInt(free.length);
            long invoked = free[client] + 1 + random.nextInt(20);
            long effect = invoked + 1 + random.nextInt(30);
            long returned = effect + 1 + random.nextInt(30);
            free[client] = returned;
            planned.add(new Planned(client, invoked, effect, returned, request(random, i)));
        }
        planned.sort((left, right) -> Long.compare(left.effect, right.effect));
        Map<String, String> values = new HashMap<>();
        List<Operation<Request, Response>> made = new ArrayList<>();
        long revision = 1;
        for (Planned each : planned) {
            if (random.nextInt(8) == 0 && each.request.writes()) {
                // Nobody was told, and it happened or did not.
                if (random.nextBoolean()) {
                    values = new HashMap<>(
                            KeyValueModel.apply(values, each.request).after());
                    revision++;
                }
                made.add(Operation.unknown(each.client, each.request, each.invoked));
                continue;
            }
            KeyValueModel.Effect effect = KeyValueModel.apply(values, each.request);
            values = new HashMap<>(effect.after());
            revision += effect.changes() ? 1 : 0;
            made.add(new Operation<>(
                    each.client,
                    each.request,
                    new Response(effect.succeeded(), effect.values(), revision),
                    each.invoked,
                    each.returned));
        }
        return made;
    }

    private static Request request(Random random, int number) {
        String key = "k" + random.nextInt(2);
        return switch (random.nextInt(4)) {
            case 0 -> Request.of(new Get(key));
            case 1 -> Request.of(new Put(key, "v" + number));
            case 2 -> Request.of(new Delete(key));
            default ->
                new Request(
                        List.of(new Compare(key, "v" + random.nextInt(number + 1))),
                        List.of(new Put(key, "v" + number)),
                        List.of(new Get(key)));
        };
    }
}
