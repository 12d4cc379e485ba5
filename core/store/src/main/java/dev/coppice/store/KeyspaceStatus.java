package dev.coppice.store;

import java.util.Set;

/**
 * The state of a keyspace.
 *
 * @param name its name
 * @param revision the newest revision
 * @param compactedRevision the revision before which history is gone; 0 when never compacted
 * @param bytes keys and values kept, with all their kept revisions
 * @param quotaBytes the most it may hold before writes are refused
 * @param leases leases alive
 * @param watches watches running
 * @param alarms alarms raised, such as {@code NOSPACE}
 */
public record KeyspaceStatus(
        String name,
        long revision,
        long compactedRevision,
        long bytes,
        long quotaBytes,
        int leases,
        int watches,
        Set<String> alarms) {}
