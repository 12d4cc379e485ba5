package dev.coppice.acceptance.etcd;

import java.util.regex.Pattern;

/** Differences that are meant: etcd 3.5 itself differs from 3.4 there, or Coppice is stricter on purpose. */
enum KnownDifference {
    /** Unknown orders are refused since 3.5. */
    SORT_OPTION("sort_order: 7", "", "invalid sort option"),
    /** 3.4 tells what a user may not do to maintain a member without a code, and in words of its own. */
    MAINTENANCE(
            "^(HashKV|Defragment)",
            "^UNKNOWN: auth: permission denied",
            "PERMISSION_DENIED: etcdserver: permission denied"),
    /** 3.5 shows what the role root may, however it was made. */
    ROOT_ROLE("^AuthRoleGetRequest \\{ role: \"root\"", "^header", "perm \\{ permType: READWRITE range_end"),
    /** Since 3.4.26 and 3.5.9 the keys of a lease are shown to those only who may read them (CVE-2023-32082). */
    LEASE_KEYS("^LeaseTimeToLiveRequest .*keys: true", "^header", "PERMISSION_DENIED: etcdserver: permission denied"),
    /** Only administrators move the leader. */
    MOVE_LEADER("^MoveLeader", "", "PERMISSION_DENIED");

    private final Pattern operation;
    private final Pattern expected;
    private final Pattern actual;

    KnownDifference(String operation, String expected, String actual) {
        this.operation = Pattern.compile(operation);
        this.expected = Pattern.compile(expected);
        this.actual = Pattern.compile(actual);
    }

    static boolean explains(Round.Difference difference) {
        for (KnownDifference each : values()) {
            if (each.operation.matcher(difference.operation()).find()
                    && each.expected.matcher(difference.expected()).find()
                    && each.actual.matcher(difference.actual()).find()) {
                return true;
            }
        }
        return false;
    }
}
