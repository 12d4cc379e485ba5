package dev.coppice.coordination.deadlock;

/**
 * What does one thing at a time: all that name one owner, or all of one lease.
 *
 * @param id {@code owner/NAME} or {@code lease/HEX}
 * @param name for people
 * @param began the token of the oldest place that it has: the greater, the younger it is
 */
public record Activity(String id, String name, long began) {
    @Override
    public boolean equals(Object other) {
        return other instanceof Activity activity && activity.id.equals(id);
    }

    @Override
    public int hashCode() {
        return id.hashCode();
    }
}
