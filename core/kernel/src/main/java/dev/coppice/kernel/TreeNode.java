package dev.coppice.kernel;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A picture of one child, with what stands below it, at one time.
 *
 * @param sort process, task, service, periodic or supervisor
 * @param mailbox messages waiting
 * @param handled messages handled, or runs
 * @param rate messages handled, or runs, per second lately
 * @param busy time spent in handlers since the last start
 * @param busyShare {@code busy} as a share, 0 to 1, of the time since the last start
 * @param cpuShare an estimate of the share of one processor lately
 * @param lastFailure the last crash in words
 * @param omitted children left out of {@code children}
 */
public record TreeNode(
        String name,
        String path,
        String sort,
        Supervisor.State state,
        long restarts,
        int mailbox,
        long handled,
        double rate,
        Duration busy,
        double busyShare,
        double cpuShare,
        Instant startedAt,
        Optional<String> lastFailure,
        List<TreeNode> children,
        int omitted) {

    static TreeNode of(SupervisorNode root, int maxChildren, Clock clock, Inspector inspector) {
        List<Supervisor.Child> children = root.children(maxChildren);
        return new TreeNode(
                root.name(),
                root.path(),
                "supervisor",
                root.launching() ? Supervisor.State.RUNNING : Supervisor.State.STOPPED,
                0,
                0,
                0,
                0,
                Duration.ZERO,
                0,
                0,
                children.isEmpty() ? clock.now() : children.getFirst().startedAt(),
                Optional.empty(),
                below(children, maxChildren, inspector),
                Math.max(0, root.childCount() - maxChildren));
    }

    private static TreeNode of(Supervisor.Child child, int maxChildren, Inspector inspector) {
        List<Supervisor.Child> children = child.spec().body() instanceof ChildSpec.SupervisorBody
                ? child.supervisor().children(maxChildren)
                : List.of();
        int count = child.spec().body() instanceof ChildSpec.SupervisorBody
                ? child.supervisor().childCount()
                : 0;
        Rates.Rate rate = inspector.rate(child);
        return new TreeNode(
                child.childName(),
                child.path(),
                child.spec().sort(),
                child.state(),
                child.restarts(),
                child.mailbox(),
                child.handled(),
                rate.messages(),
                child.busy(),
                child.busyShare(),
                inspector.cpu(child, rate),
                child.startedAt(),
                child.lastFailure().map(Throwable::toString),
                below(children, maxChildren, inspector),
                Math.max(0, count - maxChildren));
    }

    private static List<TreeNode> below(List<Supervisor.Child> children, int maxChildren, Inspector inspector) {
        return children.stream().map(child -> of(child, maxChildren, inspector)).toList();
    }
}
