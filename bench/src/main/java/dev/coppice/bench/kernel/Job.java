package dev.coppice.bench.kernel;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** One row as one side does it. It leaves nothing behind. */
public interface Job {

    Answer run(Request request) throws Exception;

    /** Does what the lines of standard input ask for, and answers each with a line, until the input ends. */
    @SuppressWarnings("CatchingUnchecked")
    static void serve(Map<String, Job> jobs) throws IOException {
        System.out.println("ready");
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            try {
                Request request = Request.parse(line);
                Job job = jobs.get(request.job());
                if (job == null) {
                    throw new IllegalArgumentException("there is no job " + request.job());
                }
                System.out.println(job.run(request));
            } catch (Throwable t) {
                t.printStackTrace();
                System.out.println("failed " + t);
            }
        }
    }
}
