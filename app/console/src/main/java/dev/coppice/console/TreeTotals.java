package dev.coppice.console;

import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.TreeNode;

/** Sums over a tree, its root left out. */
record TreeTotals(long children, long notRunning, long restarts, long mailbox) {

    static TreeTotals of(TreeNode root) {
        TreeTotals sum = new TreeTotals(root.omitted(), 0, 0, 0);
        for (TreeNode child : root.children()) {
            sum = sum.plus(new TreeTotals(
                            1, child.state() == Supervisor.State.RUNNING ? 0 : 1, child.restarts(), child.mailbox()))
                    .plus(of(child));
        }
        return sum;
    }

    private TreeTotals plus(TreeTotals other) {
        return new TreeTotals(
                children + other.children,
                notRunning + other.notRunning,
                restarts + other.restarts,
                mailbox + other.mailbox);
    }
}
