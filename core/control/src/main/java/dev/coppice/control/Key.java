package dev.coppice.control;

/**
 * Which object of a kind.
 *
 * @param namespace empty for cluster-scoped kinds
 */
public record Key(String namespace, String name) {
    @Override
    public String toString() {
        return namespace.isEmpty() ? name : namespace + "/" + name;
    }
}
