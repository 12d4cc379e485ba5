package dev.coppice.health.check;

/** Says what a namespace may do on the host: grants of HostAccessClasses by RBAC. Safe for use by many threads. */
@FunctionalInterface
public interface HostAccess {

    /** The answer for a class: what it permits, or why it permits nothing. */
    record Grant(boolean commands, boolean restrictedAddresses, String refusal) {
        public static Grant refused(String why) {
            return new Grant(false, false, why);
        }
    }

    Grant ask(String namespace, String className);
}
