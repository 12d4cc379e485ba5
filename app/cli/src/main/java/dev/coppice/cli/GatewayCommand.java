package dev.coppice.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code coppice gateway}: what the API gateway does with requests. */
@Command(
        name = "gateway",
        description = "Show what the API gateway routes, and what becomes of a request.",
        subcommands = {GatewayCommand.Routes.class, GatewayCommand.Explain.class, GatewayCommand.Tap.class},
        synopsisSubcommandLabel = "COMMAND")
final class GatewayCommand {
    private static final String PATH = "/gateway/";

    /** Lists all rules. */
    @Command(name = "routes", description = "List the rules of all routes, with what becomes of their requests.")
    static final class Routes implements Callable<Integer> {
        @Mixin
        private final ApiAccess access = new ApiAccess();

        @Option(names = "--gateway", paramLabel = "NAMESPACE/NAME", description = "Only of this Gateway.")
        private String gateway = "";

        @Override
        public Integer call() throws Exception {
            try (ApiConnection api = access.open()) {
                JsonNode lines = ApiAccess.ask(api, PATH + "routes", List.of(Map.entry("gateway", gateway)));
                if (access.table()) {
                    print(lines);
                } else {
                    System.out.println(access.shown(lines));
                }
                return 0;
            }
        }

        private static void print(JsonNode lines) {
            String listener = "";
            for (JsonNode each : lines) {
                String at = each.path("listener").asText() + ", "
                        + each.path("address").asText();
                if (!at.equals(listener)) {
                    System.out.println(at);
                    listener = at;
                }
                System.out.println("  " + each.path("match").asText());
                System.out.println("      " + each.path("route").asText() + ", rule "
                        + each.path("rule").asText() + ": "
                        + (each.path("backends").asText().isEmpty()
                                ? each.path("outcome").asText()
                                : "to " + each.path("backends").asText() + ", "
                                        + each.path("outcome").asText()));
            }
            if (lines.isEmpty()) {
                System.out.println("nothing is routed");
            }
        }
    }

    /** Shows requests as they end. */
    @Command(
            name = "tap",
            description =
                    "Show requests as they end, until there were enough of them. Credentials are masked; what comes too fast is left out, and"
                            + " counted.")
    static final class Tap implements Callable<Integer> {
        @Mixin
        private final ApiAccess access = new ApiAccess();

        @Option(names = "--route", paramLabel = "NAMESPACE/NAME", description = "Only of this route.")
        private String route = "";

        @Option(
                names = "--protocol",
                paramLabel = "PROTOCOL,…",
                description = "Only requests (HTTP), streams (TCP, TLS) or datagrams (UDP), such as TCP,TLS.")
        private String protocol = "";

        @Option(
                names = "--match",
                paramLabel = "CEL",
                description = "Only if this holds, such as: response.code >= 500 && request.method == 'POST'.")
        private String match = "";

        @Option(names = "--headers", description = "With the headers of requests and answers.")
        private boolean headers;

        @Option(names = "--limit", paramLabel = "N", description = "End after so many requests (default: 100).")
        private String limit = "";

        @Option(
                names = "--duration",
                paramLabel = "TIME",
                description = "End after so long, at most 10m (default: 1m).")
        private String duration = "";

        @Override
        public Integer call() throws Exception {
            String path = ApiAccess.path(
                    PATH + "tap",
                    List.of(
                            Map.entry("route", route),
                            Map.entry("protocol", protocol),
                            Map.entry("match", match),
                            Map.entry("headers", headers ? "true" : ""),
                            Map.entry("limit", limit),
                            Map.entry("duration", duration)));
            try (ApiConnection api = access.open()) {
                ApiConnection.Answer refusal = api.follow(path, line -> print(ApiAccess.JSON.readTree(line)));
                if (refusal != null) {
                    ApiAccess.read(refusal);
                }
                return 0;
            }
        }

        private void print(JsonNode line) throws IOException {
            if (!access.table()) {
                System.out.println(access.line(line));
            } else if (line.has("end")) {
                System.err.println("over (" + line.path("end").asText() + "): "
                        + line.path("matched").asLong() + " requests, "
                        + line.path("dropped").asLong() + " not shown");
            } else if (line.has("dropped")) {
                System.err.println(line.path("dropped").asLong() + " requests came too fast and are not shown");
            } else {
                String route = line.path("route").asText();
                String reason = line.path("reason")
                        .asText(line.path("limit").asText(line.path("policy").asText()));
                boolean stream = !line.has("method");
                String host = line.path("host").asText();
                System.out.println(line.path("time").asText() + " "
                        + line.path("client").asText() + " "
                        + (stream
                                ? line.path("protocol").asText() + " " + (host.isEmpty() ? "-" : host)
                                : line.path("method").asText() + " " + host
                                        + line.path("target").asText())
                        + " "
                        + line.path("status").asInt() + " "
                        + line.path("micros").asLong() + "us " + (route.isEmpty() ? "-" : route) + " "
                        + (line.path("endpoint").asText().isEmpty()
                                ? "-"
                                : line.path("endpoint").asText())
                        + (stream
                                ? " in " + line.path("bytes_in").asLong() + " out "
                                        + line.path("bytes_out").asLong()
                                : "")
                        + (reason.isEmpty() ? "" : " " + reason));
                line.path("request_headers").forEach(each -> System.out.println("  > " + each.asText()));
                line.path("response_headers").forEach(each -> System.out.println("  < " + each.asText()));
            }
        }
    }

    /** Explains one request. */
    @Command(
            name = "explain",
            description =
                    "Say what becomes of a request: which listener, route and rule have it, what they do, where it goes, and"
                            + " why no other rule has it. Nothing is sent.")
    static final class Explain implements Callable<Integer> {
        @Mixin
        private final ApiAccess access = new ApiAccess();

        @Parameters(index = "0", paramLabel = "METHOD", description = "Such as GET.")
        private String method = "";

        @Parameters(index = "1", paramLabel = "URL", description = "Such as http://shop.example:8000/cart.")
        private String url = "";

        @Option(
                names = {"-H", "--header"},
                paramLabel = "\"NAME: VALUE\"",
                description = "A header; may be given more than once.")
        private List<String> headers = List.of();

        @Option(
                names = "--gateway",
                paramLabel = "NAMESPACE/NAME",
                description = "At this Gateway (default: at each that listens on the URL's port).")
        private String gateway = "";

        @Override
        public Integer call() throws Exception {
            List<Map.Entry<String, String>> query = new ArrayList<>();
            query.add(Map.entry("method", method));
            query.add(Map.entry("url", url));
            query.add(Map.entry("gateway", gateway));
            headers.forEach(each -> query.add(Map.entry("header", each)));
            try (ApiConnection api = access.open()) {
                JsonNode answer = ApiAccess.ask(api, PATH + "explain", query);
                if (access.table()) {
                    answer.forEach(Explain::print);
                } else {
                    System.out.println(access.shown(answer));
                }
                return 0;
            }
        }

        private static void print(JsonNode at) {
            System.out.println(
                    "at " + at.path("address").asText() + ":" + at.path("port").asInt()
                            + (at.path("listener").asText().isEmpty()
                                    ? ""
                                    : ": " + owner(at.path("listener").asText())));
            JsonNode route = at.path("route");
            if (!route.isNull()) {
                System.out.println("  " + route.path("name").asText() + ", rule "
                        + route.path("rule").asText() + ": "
                        + route.path("match").asText());
                route.path("steps").forEach(each -> System.out.println("    " + each.asText()));
                for (JsonNode each : route.path("backends")) {
                    String protocol = each.path("protocol").asText();
                    System.out.println("    " + each.path("percent").asInt() + "% to "
                            + each.path("upstream").asText()
                            + (protocol.isEmpty() ? "" : " (" + protocol + "): " + joined(each.path("endpoints"))));
                    each.path("steps").forEach(step -> System.out.println("      " + step.asText()));
                    each.path("present").forEach(now -> System.out.println("      now: " + now.asText()));
                }
            }
            System.out.println("  " + at.path("outcome").asText());
            if (!at.path("others").isEmpty()) {
                System.out.println("  not chosen:");
                for (JsonNode each : at.path("others")) {
                    System.out.println("    " + each.path("name").asText() + ", rule "
                            + each.path("rule").asText() + ": "
                            + each.path("match").asText());
                    System.out.println("      " + each.path("reason").asText());
                }
            }
        }

        /** Those of Services say so themselves. */
        private static String owner(String listener) {
            return listener.startsWith("Service ") ? listener : "Gateway " + listener;
        }

        private static String joined(JsonNode texts) {
            return texts.isEmpty()
                    ? "no endpoint is ready"
                    : StreamSupport.stream(texts.spliterator(), false)
                            .map(JsonNode::asText)
                            .collect(Collectors.joining(", "));
        }
    }
}
