package dev.coppice.health.migration;

/**
 * A field that could not be carried over as it was.
 *
 * @param place the file and the path of the field, such as {@code gatus.yaml: endpoints[2].client.proxy-url}
 * @param message what becomes of it, and what to do
 */
public record Finding(String place, String message) {
    @Override
    public String toString() {
        return place + ": " + message;
    }
}
