package dev.coppice.control;

/**
 * A part that is added to Coppice: its kinds, controllers, routes and pages, registered through the context. Bundled areas
 * and users' own are alike. A fresh instance is made for every start.
 */
public interface Extension {

    /** Lower case, such as {@code health}; names its supervisor and its data directory. */
    String name();

    /** Registers everything and starts what runs, below {@link ExtensionContext#supervisor}. Returns once it works. */
    void start(ExtensionContext context) throws Exception;

    /** Runs before its supervisor is stopped. */
    default void stop() throws Exception {}
}
