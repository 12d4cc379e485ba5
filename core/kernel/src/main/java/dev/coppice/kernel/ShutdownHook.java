package dev.coppice.kernel;

/** Runs an action when the JVM is asked to end (SIGTERM, Ctrl-C), before it halts. */
public final class ShutdownHook {
    private ShutdownHook() {}

    /** The JVM waits until the action ends, so the action bounds its own time. */
    public static void install(String name, Runnable action) {
        Runtime.getRuntime().addShutdownHook(Thread.ofPlatform().name(name).unstarted(action));
    }
}
