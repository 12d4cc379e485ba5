package dev.coppice.coordination.kind;

import dev.coppice.control.Kind;
import java.util.List;

/** The kinds of the area. */
public final class CoordinationKinds {
    public static final String GROUP = "coordination.coppice.dev";
    private static final String VERSION = "v1";

    /** Who holds a lock and who waits for it; computed. */
    public static final Kind<LockSpec, LockStatus> LOCK = Kind.cluster(
                    GROUP,
                    VERSION,
                    "Lock",
                    LockSpec.class,
                    LockStatus.class,
                    "A lock, read-write lock, semaphore or barrier among the users' keys that somebody holds or waits for. It is"
                            + " read from the store when somebody asks; nothing is stored.")
            .withColumn("Sort", "string", ".spec.sort", "Lock, ReadWrite, Semaphore or Barrier.")
            .withColumn("Holder", "string", ".status.holder", "Who holds it, the first one by name.")
            .withColumn("Held", "date", ".status.heldSince", "Since when.")
            .withColumn("Waiting", "integer", ".status.waiting", "How many wait for it.")
            .withColumn("Longest Wait", "date", ".status.waitingSince", "Since when the first of them waits.")
            .withColumn("Token", "integer", ".status.token", "The fencing token of the newest grant.")
            .withColumn("Deadlocked", "boolean", ".status.deadlocked", "Whether it is part of a deadlock.")
            .withColumn(new Kind.Column("Lock", "string", ".spec.name", "Its name in the store.", true));

    /** Who leads an election; computed. */
    public static final Kind<ElectionSpec, ElectionStatus> ELECTION = Kind.cluster(
                    GROUP,
                    VERSION,
                    "Election",
                    ElectionSpec.class,
                    ElectionStatus.class,
                    "An election among the users' keys that has candidates. It is read from the store when somebody asks;"
                            + " nothing is stored.")
            .withColumn("Leader", "string", ".status.leader", "What the leader proclaims.")
            .withColumn("Leads", "date", ".status.leadsSince", "Since when.")
            .withColumn("Waiting", "integer", ".status.waiting", "How many wait to lead.")
            .withColumn("Token", "integer", ".status.token", "The fencing token of the leadership.")
            .withColumn(new Kind.Column("Election", "string", ".spec.name", "Its name in the store.", true));

    /** What is done about deadlocks. */
    public static final Kind<DeadlockPolicySpec, DeadlockPolicyStatus> DEADLOCK_POLICY = new Kind<>(
                    GROUP,
                    VERSION,
                    "DeadlockPolicy",
                    "deadlockpolicies",
                    false,
                    DeadlockPolicySpec.class,
                    DeadlockPolicyStatus.class,
                    "DeadlockPolicy says what is done about deadlocks among some locks.",
                    List.of(),
                    List.of("coppice"),
                    List.of())
            .withColumn("Action", "string", ".spec.action", "Report or AbortYoungest.")
            .withColumn("Deadlocks", "integer", ".status.deadlocks", "Deadlocks that it decided on.")
            .withColumn("Aborted", "integer", ".status.aborted", "How many of them were resolved.")
            .withColumn("Last", "date", ".status.lastDeadlock", "When the last of them was found.")
            .withColumn("Age", "date", ".metadata.creationTimestamp", "When it was made.");

    private CoordinationKinds() {}
}
