package dev.coppice.probe;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * Bounds of a {@link Prober}. Immutable; the with-methods copy.
 *
 * @param concurrency how many probes run at once; more wait, as long as their own timeout
 * @param commandConcurrency how many commands run at once
 * @param bodyBudgetBytes how much of answers all running probes together may hold in memory
 * @param policy which addresses may be probed
 * @param sandbox how commands are confined
 */
public record ProberOptions(
        int concurrency, int commandConcurrency, long bodyBudgetBytes, AddressPolicy policy, SandboxOptions sandbox) {

    public static final ProberOptions DEFAULT =
            new ProberOptions(1024, 16, 64L << 20, AddressPolicy.STRICT, SandboxOptions.DEFAULT);

    public ProberOptions withPolicy(AddressPolicy policy) {
        return new ProberOptions(concurrency, commandConcurrency, bodyBudgetBytes, policy, sandbox);
    }

    public ProberOptions withConcurrency(int concurrency) {
        return new ProberOptions(concurrency, commandConcurrency, bodyBudgetBytes, policy, sandbox);
    }

    public ProberOptions withSandbox(SandboxOptions sandbox) {
        return new ProberOptions(concurrency, commandConcurrency, bodyBudgetBytes, policy, sandbox);
    }

    /**
     * How commands are confined.
     *
     * @param bubblewrap the program
     * @param firstUser when this process is root, commands run as this user identifier or one of those after it, one for
     *     each that runs at once, so that they share no process limit
     * @param hidden folders that commands see empty, besides home, run and temporary ones: put data folders in here
     * @param temporaryBytes the size of a command's private temporary folder
     * @param path where programs are found
     * @param grace how long a command may outlive its deadline before even a lost supervisor has killed it
     */
    public record SandboxOptions(
            String bubblewrap,
            int firstUser,
            List<String> hidden,
            long temporaryBytes,
            String path,
            Duration grace,
            Map<String, String> environment) {

        public static final SandboxOptions DEFAULT = new SandboxOptions(
                "bwrap",
                65_100,
                List.of(),
                64L << 20,
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                Duration.ofSeconds(2),
                Map.of("LANG", "C.UTF-8", "HOME", "/tmp", "TMPDIR", "/tmp"));

        public SandboxOptions {
            hidden = List.copyOf(hidden);
            environment = Map.copyOf(environment);
        }

        public SandboxOptions withHidden(List<String> hidden) {
            return new SandboxOptions(bubblewrap, firstUser, hidden, temporaryBytes, path, grace, environment);
        }

        public SandboxOptions withBubblewrap(String bubblewrap) {
            return new SandboxOptions(bubblewrap, firstUser, hidden, temporaryBytes, path, grace, environment);
        }
    }
}
