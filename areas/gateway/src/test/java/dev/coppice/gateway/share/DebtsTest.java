package dev.coppice.gateway.share;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.limit.TokenBucket;
import dev.coppice.gateway.share.ShareMessage.Demand;
import dev.coppice.gateway.share.ShareMessage.Grant;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What passed without an owner is paid for, also by keys whose allowances had to go. */
class DebtsTest {
    private static final long SECOND = 1_000_000_000;

    private final SharedLimit limit =
            new SimulatedSharing(2, new TokenBucket(1000, SECOND, 1000), new Random(1)).nodes.getFirst().limit;

    private static void owe(Allowances table, Allowance allowance, int requests) {
        table.owe(allowance, new Debts.Debt(requests, SECOND), 0);
    }

    private static int owed(Allowance allowance) {
        return allowance.demand(1).needed();
    }

    @Test
    void allowancesThatGiveTheirPlacesUpLeaveTheirDebtsToTheNext() {
        Allowances table = new Allowances(8);
        for (long key = 1; key <= 20; key++) {
            owe(table, table.of(limit, key, 0), (int) key);
        }
        assertThat(table.evicted()).isEqualTo(12);
        assertThat(table.debts.held()).isEqualTo(12);
        for (long key = 1; key <= 20; key++) {
            assertThat(owed(table.of(limit, key, 1))).as("key %d", key).isEqualTo((int) key);
        }
        assertThat(table.debts.lost()).isZero();
    }

    @Test
    void whoStillHasAnAllowanceThatWentOwesToo() {
        Allowances table = new Allowances(8);
        Allowance first = table.of(limit, 1, 0);
        owe(table, first, 1);
        for (long key = 2; key <= 20; key++) {
            owe(table, table.of(limit, key, 0), 1);
        }
        assertThat(table.of(limit, 1, 0)).isNotSameAs(first);
        // It has taken over what was owed; this comes to it later still, by way of the debts.
        owe(table, first, 2);
        for (long key = 2; key <= 20; key++) {
            owe(table, table.of(limit, key, 0), 1);
        }
        assertThat(owed(table.of(limit, 1, 1))).isEqualTo(3);
    }

    @Test
    void whatComesForOneThatWentPaysForTheNext() {
        Allowances table = new Allowances(8);
        Allowance first = table.of(limit, 1, 0);
        owe(table, first, 5);
        Demand asked = first.demand(1);
        assertThat(asked.needed()).isEqualTo(5);
        for (long key = 2; key <= 20; key++) {
            owe(table, table.of(limit, key, 0), 1);
        }
        assertThat(first.granted(asked, new Grant(3, 0, 0, SECOND), 1, 2, new ArrayList<>()))
                .isFalse();
        table.paySpare(first);
        table.paySpare(first);
        Allowance next = table.of(limit, 1, 3);
        assertThat(next).isNotSameAs(first);
        assertThat(owed(next)).isEqualTo(2);
    }

    @Test
    void debtsAreBoundedAndEnd() {
        Debts debts = new Debts(2);
        debts.keep(limit, 1, new Debts.Debt(1, 10), 0);
        debts.keep(limit, 2, new Debts.Debt(2, 20), 0);
        debts.keep(limit, 3, new Debts.Debt(3, 30), 0);
        assertThat(debts.lost()).isEqualTo(3);
        debts.keep(limit, 2, new Debts.Debt(2000, 30), 0);
        // The first counts no more, so that there is room.
        debts.keep(limit, 3, new Debts.Debt(3, 30), 10);
        assertThat(debts.held()).isEqualTo(2);
        assertThat(debts.take(limit, 1, 10).requests()).isZero();
        // No more than may be owed of one key.
        assertThat(debts.take(limit, 2, 20).requests()).isEqualTo(limit.mostOwed());
        assertThat(debts.take(limit, 3, 30).requests()).isZero();
        debts.keep(limit, 4, new Debts.Debt(1, 50), 30);
        debts.forget(limit);
        assertThat(debts.held()).isZero();
        assertThat(List.of(debts.lost())).containsExactly(3L);
    }
}
