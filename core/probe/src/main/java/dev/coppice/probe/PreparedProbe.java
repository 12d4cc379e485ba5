package dev.coppice.probe;

import java.time.Duration;

/** A specification, checked and compiled, to be run again and again. Immutable, safe for use by many threads. */
public final class PreparedProbe {
    private final Prober prober;
    private final ProbeSpec spec;
    private final ProbeRun run;

    PreparedProbe(Prober prober, ProbeSpec spec, ProbeRun run) {
        this.prober = prober;
        this.spec = spec;
        this.run = run;
    }

    public ProbeSpec spec() {
        return spec;
    }

    /**
     * Probes once, within the timeout; blocks, so call it on a virtual thread. Failures of the target are results.
     *
     * @throws InterruptedException when the calling thread is interrupted
     */
    public ProbeResult run(Duration timeout) throws InterruptedException {
        return prober.run(spec, run, timeout);
    }
}
