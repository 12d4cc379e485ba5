package dev.coppice.kernel;

/**
 * What a {@link Table} is like at one time (ETS: info).
 *
 * @param owner the path of the process it belongs to, or nothing
 * @param evicted entries dropped to make room
 * @param expired entries whose time was over
 * @param refused puts that found no room
 */
public record TableInfo(
        String name,
        boolean ordered,
        int size,
        int maxEntries,
        String owner,
        long evicted,
        long expired,
        long refused) {}
