package dev.coppice.console;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.control.Authorizer;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Handler;
import dev.coppice.serving.LiveStreams;
import dev.coppice.serving.PageLayout;
import dev.coppice.serving.Rendering;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** The nodes of the cluster: who leads, how far each is, how many may still fail, and the last elections. */
final class ClusterPage implements Handler {
    private static final Duration EVERY = Duration.ofSeconds(2);

    /** Who may read this path of the API may see the page: both show the same. */
    private static final String PATH = "/coppice/cluster";

    private final Supplier<JsonNode> status;
    private final Authorizer authorizer;
    private final PageLayout layout;
    private final LiveStreams streams;

    /** @param status what {@code coppice cluster status --json} prints */
    ClusterPage(Supplier<JsonNode> status, Authorizer authorizer, PageLayout layout, LiveStreams streams) {
        this.status = status;
        this.authorizer = authorizer;
        this.layout = layout;
        this.streams = streams;
    }

    /**
     * A member.
     *
     * @param tone of its role: ok, warn, bad or empty
     * @param lag entries that it lacks; empty when that is not known
     */
    record Member(
            String name,
            String id,
            String role,
            String tone,
            boolean voter,
            long term,
            long applied,
            String lag,
            boolean behind,
            String size,
            String peer,
            String client) {}

    record Election(String at, long term, String leader) {}

    record View(
            String tone,
            String word,
            String leader,
            long term,
            int voters,
            String spare,
            boolean fragile,
            List<Member> members,
            List<Election> elections) {}

    @Override
    public void handle(Exchange exchange) throws Exception {
        if (!allowed(exchange)) {
            RuntimePage.refuse(
                    layout,
                    exchange,
                    403,
                    "Not for you",
                    "You may not see the cluster. It takes the verb get on the path " + PATH + ".");
        } else if (exchange.path().endsWith("/events")) {
            streams.run(exchange, "cluster", new LiveStreams.Wake(), EVERY, () -> allowed(exchange), () -> {
                View view = view(status.get());
                return Rendering.html((out, none) -> JteclusterliveGenerated.render(out, none, view));
            });
        } else {
            View view = view(status.get());
            layout.send(
                    exchange, "Cluster", Rendering.html((out, none) -> JteclusterGenerated.render(out, none, view)));
        }
    }

    private boolean allowed(Exchange exchange) {
        return authorizer.authorizePath(exchange.identity(), "get", PATH).allowed();
    }

    static View view(JsonNode status) {
        List<Member> members = new ArrayList<>();
        status.path("members").forEach(each -> members.add(member(each)));
        List<Election> elections = new ArrayList<>();
        status.path("elections")
                .forEach(each -> elections.add(new Election(
                        each.path("at").asText(),
                        each.path("term").asLong(),
                        each.path("leader").asText())));
        String leader = status.path("leader").asText();
        int voters = 0;
        int answering = 0;
        for (JsonNode each : status.path("members")) {
            if (each.path("voter").asBoolean()) {
                voters++;
                answering += each.path("reachable").asBoolean() ? 1 : 0;
            }
        }
        int spare = answering - (voters / 2 + 1);
        boolean whole = answering == voters;
        return new View(
                leader.isEmpty() ? "bad" : whole ? "ok" : "warn",
                leader.isEmpty() ? "No leader" : whole ? "Healthy" : "Degraded",
                leader.isEmpty() ? "nobody" : leader,
                status.path("term").asLong(),
                voters,
                leader.isEmpty() ? "-" : Integer.toString(Math.max(0, spare)),
                leader.isEmpty() || voters > 2 && spare < 1,
                List.copyOf(members),
                List.copyOf(elections));
    }

    private static Member member(JsonNode each) {
        String role = each.path("role").asText();
        String tone = switch (role) {
            case "leader", "follower" -> "ok";
            case "not reachable", "without leader" -> "bad";
            case "learner" -> "";
            default -> "warn";
        };
        return new Member(
                each.path("name").asText(),
                each.path("id").asText(),
                role,
                tone,
                each.path("voter").asBoolean(),
                each.path("term").asLong(),
                each.path("applied").asLong(),
                each.path("lag").asText(""),
                each.path("lag").asLong() > 1000,
                size(each.path("bytes").asLong()),
                each.path("peerUrls").path(0).asText(),
                each.path("clientUrls").path(0).asText());
    }

    private static String size(long bytes) {
        return bytes < 10 << 20 ? (bytes >> 10) + " KiB" : (bytes >> 20) + " MiB";
    }
}
