package dev.coppice.bench.gateway;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** CPU time of HAProxy and Coppice for bytes that they pass on as TCP: answers of 1 MiB, on 16 connections. */
public final class GatewayStreams {
    private static final Pattern ANSWERS = Pattern.compile("(\\d+) requests in");
    private static final int ROUNDS = 5;

    private GatewayStreams() {}

    public static void main(String[] arguments) throws Exception {
        int seconds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 4;
        try (Testbed bed = Testbed.open()) {
            List<Testbed.Proxy> proxies =
                    bed.proxies(1).stream().filter(each -> each.streams() > 0).toList();
            for (Testbed.Proxy each : proxies) {
                double unused = microsPerMebibyte(each, each.name().equals("coppice") ? 10 : 2);
            }
            Map<String, double[]> rounds = new LinkedHashMap<>();
            for (int round = 0; round < ROUNDS; round++) {
                for (Testbed.Proxy each : proxies) {
                    rounds.computeIfAbsent(each.name(), _ -> new double[ROUNDS])[round] =
                            microsPerMebibyte(each, seconds);
                }
            }
            rounds.forEach((name, all) -> {
                Arrays.sort(all);
                System.out.printf(
                        "{\"bench\":\"gateway-streams\",\"proxy\":\"%s\",\"cpu_us_per_mib\":%.0f,\"cpu_us_least\":%.0f,\"cpu_us_most\":%.0f}%n",
                        name, all[ROUNDS / 2], all[0], all[ROUNDS - 1]);
            });
        }
    }

    private static double microsPerMebibyte(Testbed.Proxy proxy, int seconds) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of("taskset", "-c", "1", "wrk", "-t1", "-c16", "-d" + seconds + "s"));
        command.add("http://127.0.0.1:" + proxy.streams() + "/files/1m");
        long before = proxy.cpuTicks();
        Process generator =
                new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(generator.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        generator.waitFor();
        long ticks = proxy.cpuTicks() - before;
        Matcher answers = ANSWERS.matcher(output);
        if (!answers.find() || output.contains("Non-2xx")) {
            throw new IllegalStateException(output);
        }
        return ticks * 10_000.0 / Long.parseLong(answers.group(1));
    }
}
