package dev.coppice.probe;

import java.io.IOException;

/** A compiled specification: does the work of one probe. Immutable, safe for use by many threads. */
interface ProbeRun {

    /** Returns when all is as expected; fills in what it finds on the way. */
    void run(Attempt attempt) throws ProbeFailure, IOException, InterruptedException;
}
