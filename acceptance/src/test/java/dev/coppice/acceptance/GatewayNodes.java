package dev.coppice.acceptance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.coppice.kernel.FreePorts;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** A cluster of three nodes, each of which serves the gateway's traffic at an address of its own, or none of which does. */
final class GatewayNodes implements AutoCloseable {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path folder;
    private final Function<String, List<String>> areas;
    /** Those that run, by the addresses of their gateways, or by their names; the first is the one that began the cluster. */
    final Map<String, RunningCoppice> byAddress = new LinkedHashMap<>();

    private final Map<String, Member> members = new HashMap<>();

    private record Member(String name, String apiPort, String peerPort) {}

    /** @param areas options that say which a node has, by its address */
    private GatewayNodes(Path folder, Function<String, List<String>> areas) {
        this.folder = folder;
        this.areas = areas;
    }

    /**
     * Starts them, with the data of the first in {@code a} below a folder.
     *
     * @param addresses of loopback, one for each
     */
    static GatewayNodes up(Path folder, String first, String second, String third) throws Exception {
        return up(
                new GatewayNodes(
                        folder,
                        address -> List.of(
                                "--areas", "gateway", "--gateway-on-every-node", "--gateway-addresses", address)),
                first,
                second,
                third);
    }

    /** Starts nodes without the area, for gateways that are processes of their own; {@code a}, {@code b} and {@code c} are in place of addresses. */
    static GatewayNodes withoutGateways(Path folder) throws Exception {
        return up(new GatewayNodes(folder, _ -> List.of("--areas", "health")), "a", "b", "c");
    }

    private static GatewayNodes up(GatewayNodes nodes, String first, String second, String third) throws Exception {
        try {
            String port = freePort();
            nodes.start(new Member("a", freePort(), port), first, "--cluster", "a=127.0.0.1:" + port);
            nodes.join("b", second, port);
            nodes.join("c", third, port);
            return nodes;
        } catch (Exception | Error e) {
            nodes.close();
            throw e;
        }
    }

    private void join(String name, String address, String port) throws Exception {
        String token = cluster("a", "token").path("token").asText();
        start(new Member(name, freePort(), freePort()), address, "--join", "127.0.0.1:" + port, "--join-token", token);
    }

    /** Starts one again that was killed, with the data and ports that it had. */
    void restart(String address) throws Exception {
        start(members.get(address), address);
    }

    /** The directory of one, whether it runs or not. */
    Path data(String address) {
        return folder.resolve(members.get(address).name);
    }

    /** The one that leads, as one that runs knows it; another text when none does. */
    String leader() throws Exception {
        String leads = cluster(
                        data(byAddress.keySet().iterator().next()).getFileName().toString(), "status")
                .path("leader")
                .asText();
        return members.entrySet().stream()
                .filter(each -> each.getValue().name.equals(leads))
                .map(Map.Entry::getKey)
                .findFirst()
                .orElse("nobody");
    }

    private void start(Member member, String address, String... options) throws Exception {
        members.put(address, member);
        List<String> all = new ArrayList<>(
                List.of("--name", member.name, "--api-port", member.apiPort, "--peer-port", member.peerPort));
        all.addAll(areas.apply(address));
        all.addAll(List.of(options));
        byAddress.put(address, RunningCoppice.up(folder.resolve(member.name), all.toArray(String[]::new)));
    }

    /** Runs a command about the cluster at a node. */
    private JsonNode cluster(String node, String command) throws Exception {
        String said = Shell.run(
                        Duration.ofSeconds(60),
                        Shell.HOME.resolve("coppice").toString(),
                        "cluster",
                        command,
                        "--json",
                        "--data",
                        folder.resolve(node).toString())
                .output();
        return JSON.readTree(said.substring(said.indexOf('{')));
    }

    private static String freePort() {
        return Integer.toString(FreePorts.next());
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
