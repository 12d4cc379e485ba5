package dev.coppice.health;

import dev.coppice.control.Key;
import dev.coppice.control.runtime.testing.FakeResourceClient;
import dev.coppice.health.check.CheckEngine;
import dev.coppice.health.check.CheckMemory;
import dev.coppice.health.check.HostAccess;
import dev.coppice.health.check.PlanCompiler;
import dev.coppice.health.check.ProbingRunner;
import dev.coppice.health.check.Secrets;
import dev.coppice.health.check.Specs;
import dev.coppice.health.kind.HealthCheckSpec;
import dev.coppice.health.series.Ledger;
import dev.coppice.health.series.SeriesStore;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.probe.Prober;
import dev.coppice.probe.ProberOptions;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/** Runs so many HTTP checks every 30 s against an address for so many seconds, and prints what it cost. */
final class HealthLoad {
    private HealthLoad() {}

    public static void main(String[] arguments) throws Exception {
        int checks = Integer.parseInt(arguments[0]);
        String url = arguments[1];
        int seconds = Integer.parseInt(arguments[2]);
        Path directory = Files.createTempDirectory("health-load");
        try (Kernel kernel = Kernel.start()) {
            var series = SeriesStore.open(directory, kernel.clock(), SeriesStore.Retention.DEFAULT);
            var ledger = Ledger.open(directory.resolve("states.ledger"));
            var prober = new Prober(kernel, ProberOptions.DEFAULT);
            var runner = new ProbingRunner(
                    prober,
                    new Secrets(new FakeResourceClient(kernel.clock())),
                    (namespace, name) -> HostAccess.Grant.refused("no"),
                    kernel.clock());
            var engine = new CheckEngine(
                    kernel,
                    kernel.root().startSupervisor("workers", SupervisorOptions.DEFAULT),
                    runner,
                    series,
                    new CheckMemory(ledger),
                    2048);
            kernel.root().start(ChildSpec.periodic("series", Duration.ofSeconds(1), Duration.ZERO, series::maintain));
            engine.start();
            for (int i = 0; i < checks; i++) {
                var spec =
                        Specs.read(HealthCheckSpec.class, "{'http':{'url':'" + url + "?" + i + "'},'interval':'30s'}");
                var plan = PlanCompiler.compile(new Key("load", "c" + i), "uid" + i, 1, Map.of(), spec);
                engine.put(((PlanCompiler.Valid) plan).plan(), Optional.empty());
            }
            System.out.println(
                    "put after " + ManagementFactory.getRuntimeMXBean().getUptime() + " ms");
            Thread.sleep(35_000);
            long samples = series.appended();
            long cpu = cpuNanos();
            Thread.sleep(seconds * 1000L);
            double probes = series.appended() - samples;
            double used = (cpuNanos() - cpu) / 1e9;
            System.gc();
            System.out.printf(
                    "%.0f probes in %d s, %.2f cores, %.0f µs CPU a probe, heap %d MiB, up %d%n",
                    probes,
                    seconds,
                    used / seconds,
                    used / probes * 1e6,
                    (Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory()) >> 20,
                    engine.views().stream()
                            .filter(v -> v.machine().state().word().equals("Up"))
                            .count());
            engine.close();
        }
    }

    private static long cpuNanos() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
                .getProcessCpuTime();
    }
}
