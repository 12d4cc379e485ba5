package dev.coppice.gateway.acme;

import dev.coppice.gateway.kind.IssuerSpec.Selector;
import dev.coppice.gateway.kind.IssuerSpec.Solver;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Chooses how it is shown that a name is ours, as cert-manager does. */
final class Solvers {
    private static final int NAMED = 1000;

    private Solvers() {}

    /** The solver whose selector fits a name best, of equals the first; null: none does. */
    static @Nullable Solver choose(List<Solver> solvers, String name) {
        Solver best = null;
        int bestRank = -1;
        for (Solver each : solvers) {
            int rank = rank(each.selector(), name);
            if (rank > bestRank) {
                best = each;
                bestRank = rank;
            }
        }
        return best;
    }

    /** -1: not at all; 0: as all names; the length of the longest zone; more for the name itself. */
    private static int rank(@Nullable Selector selector, String name) {
        if (selector == null
                || selector.dnsNames().isEmpty() && selector.dnsZones().isEmpty()) {
            return 0;
        }
        if (selector.dnsNames().contains(name)) {
            return NAMED;
        }
        return selector.dnsZones().stream()
                .filter(each -> name.equals(each) || name.endsWith("." + each))
                .mapToInt(String::length)
                .max()
                .orElse(-1);
    }
}
