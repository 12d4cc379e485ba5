package dev.coppice.acceptance.gateway;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.coppice.acceptance.Shell;
import dev.coppice.acceptance.gateway.ExchangeRunner.Target;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** HTTP/2 over TLS with a server name of one's own choosing, by curl: what is given as Host becomes the authority. */
final class Http2Curl {
    private static final Duration LIMIT = Duration.ofSeconds(20);

    private Http2Curl() {}

    static ExchangeRunner.Got send(Target target, Exchange.Request request, String serverName)
            throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(
                "curl",
                "-sk",
                "--http2",
                "-X",
                request.method(),
                "-w",
                "\n%{http_code} %{http_version}",
                "--resolve",
                serverName + ":" + target.port() + ":" + target.address(),
                "-H",
                "Host: " + request.host()));
        for (Map.Entry<String, String> header : request.headers()) {
            command.addAll(List.of("-H", header.getKey() + ": " + header.getValue()));
        }
        command.add("https://" + serverName + ":" + target.port() + request.target());
        Shell.Outcome outcome = Shell.run(LIMIT, Map.of(), null, command);
        String output = outcome.output();
        int end = output.lastIndexOf('\n');
        String[] told = output.substring(end + 1).split(" ");
        if (outcome.status() != 0 || told.length < 2 || !told[1].equals("2")) {
            throw new IOException("no answer over HTTP/2: curl ended with " + outcome.status() + ": " + output);
        }
        String body = output.substring(0, Math.max(0, end));
        JsonNode seen = body.startsWith("{") ? new ObjectMapper().readTree(body) : MissingNode.getInstance();
        return new ExchangeRunner.Got(
                new RawHttp.Answer(Integer.parseInt(told[0]), Map.of(), body.getBytes(StandardCharsets.UTF_8)), seen);
    }
}
