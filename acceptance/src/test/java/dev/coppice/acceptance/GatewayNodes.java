package dev.coppice.acceptance;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.coppice.kernel.FreePorts;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A cluster of three nodes, each of which serves the gateway's traffic at an address of its own. */
final class GatewayNodes implements AutoCloseable {
    private final Path folder;
    /** Those that run, by the addresses of their gateways; the first is the one that began the cluster. */
    final Map<String, RunningCoppice> byAddress = new LinkedHashMap<>();

    private final Map<String, Member> members = new HashMap<>();

    private record Member(String name, String peerPort) {}

    private GatewayNodes(Path folder) {
        this.folder = folder;
    }

    /**
     * Starts them, with the data of the first in {@code a} below a folder.
     *
     * @param addresses of loopback, one for each
     */
    static GatewayNodes up(Path folder, String first, String second, String third) throws Exception {
        GatewayNodes nodes = new GatewayNodes(folder);
        try {
            int port = FreePorts.next();
            nodes.start("a", first, Integer.toString(port), "--cluster", "a=127.0.0.1:" + port);
            nodes.join("b", second, port);
            nodes.join("c", third, port);
            return nodes;
        } catch (Exception | Error e) {
            nodes.close();
            throw e;
        }
    }

    private void join(String name, String address, int port) throws Exception {
        start(
                name,
                address,
                Integer.toString(FreePorts.next()),
                "--join",
                "127.0.0.1:" + port,
                "--join-token",
                token());
    }

    /** Starts one again that was killed, with the data that it had. */
    void restart(String address) throws Exception {
        Member member = members.get(address);
        start(member.name, address, member.peerPort);
    }

    /** The directory of one, whether it runs or not. */
    Path data(String address) {
        return folder.resolve(members.get(address).name);
    }

    /** @param options the port for other nodes first */
    private void start(String name, String address, String... options) throws Exception {
        members.put(address, new Member(name, options[0]));
        List<String> all = new ArrayList<>(List.of(
                "--name",
                name,
                "--areas",
                "gateway",
                "--gateway-on-every-node",
                "--gateway-addresses",
                address,
                "--peer-port"));
        all.addAll(List.of(options));
        byAddress.put(address, RunningCoppice.up(folder.resolve(name), all.toArray(String[]::new)));
    }

    private String token() throws Exception {
        String made = Shell.run(
                        Duration.ofSeconds(60),
                        Shell.HOME.resolve("coppice").toString(),
                        "cluster",
                        "token",
                        "--json",
                        "--data",
                        folder.resolve("a").toString())
                .output();
        return new ObjectMapper()
                .readTree(made.substring(made.indexOf('{')))
                .path("token")
                .asText();
    }

    /** Kills one with -9. */
    void kill(String address) throws InterruptedException {
        byAddress.remove(address).kill();
    }

    @Override
    public void close() throws InterruptedException {
        for (RunningCoppice each : byAddress.values()) {
            each.kill();
        }
    }
}
