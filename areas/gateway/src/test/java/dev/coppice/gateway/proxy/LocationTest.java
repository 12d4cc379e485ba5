package dev.coppice.gateway.proxy;

import static dev.coppice.gateway.proxy.ProxyFixture.upstream;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.BackendConfig;
import dev.coppice.gateway.config.ClientConfig;
import dev.coppice.gateway.config.GatewayConfig;
import dev.coppice.gateway.config.ListenerConfig;
import dev.coppice.gateway.config.MatchConfig;
import dev.coppice.gateway.config.RouteConfig;
import dev.coppice.gateway.config.RuleConfig;
import dev.coppice.gateway.geography.DatabaseFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Routes by where clients are, which the PROXY protocol says here. */
@Timeout(60)
class LocationTest {
    private static final String FROM_GERMANY = "PROXY TCP4 192.0.2.7 198.51.100.1 40000 80\r\n";
    private static final String FROM_NOWHERE = "PROXY TCP4 203.0.113.7 198.51.100.1 40000 80\r\n";

    @TempDir
    Path folder;

    private Path database;
    private ProxyFixture proxy;
    private Backend local;
    private Backend other;

    @BeforeEach
    void start() throws Exception {
        database = folder.resolve("countries.mmdb");
        write("DE");
        proxy = new ProxyFixture(ProxyOptions.DEFAULT.withLoops(1).withGeography(List.of(database)));
        local = new Backend((request, _) ->
                Backend.ok("local " + request.header("x-country").orElse("none") + " "
                        + request.header("x_country").orElse("none")));
        other = new Backend((request, _) ->
                Backend.ok("other " + request.header("x-country").orElse("none") + " "
                        + request.header("x_country").orElse("none")));
        MatchConfig german = new MatchConfig(
                MatchConfig.PathMatch.ANY,
                "",
                List.of(new MatchConfig.ValueMatch(MatchConfig.ValueMatch.Type.EXACT, "x-country", "DE")),
                List.of());
        RouteConfig route = new RouteConfig(
                "HTTPRoute",
                "default",
                "route",
                0,
                List.of(),
                List.of(
                        new RuleConfig(List.of(german), List.of(), List.of(new BackendConfig("local", 1, List.of()))),
                        ProxyFixture.rule("other")));
        ClientConfig clients = new ClientConfig(
                new ClientConfig.ProxyProtocol(List.of("127.0.0.0/8"), true),
                null,
                new ClientConfig.Geography(null, "x-country", null, null));
        ListenerConfig listener = new ListenerConfig(
                "default/gateway",
                "l",
                "127.0.0.1",
                proxy.port,
                ListenerConfig.Protocol.HTTP,
                "",
                null,
                List.of(route),
                clients,
                "");
        assertThat(proxy.plane.apply(new GatewayConfig(
                        List.of(listener), List.of(upstream("local", local.port()), upstream("other", other.port())))))
                .isEmpty();
    }

    @AfterEach
    void stop() throws Exception {
        proxy.awaitNothingOpen();
        proxy.close();
        local.close();
        other.close();
    }

    private void write(String country) throws Exception {
        new DatabaseFile(6)
                .with("192.0.2.0/24", Map.of("country_code", country))
                .write(database);
    }

    private static String get(String more) {
        return "GET / HTTP/1.1\r\nHost: example.org\r\n" + more + "\r\n";
    }

    @Test
    void requestsAreRoutedByWhereTheirClientIs() throws Exception {
        assertThat(proxy.exchange(FROM_GERMANY + get("Connection: close\r\n"))).endsWith("local DE none");
        assertThat(proxy.exchange(FROM_NOWHERE + get("Connection: close\r\n"))).endsWith("other none none");
        try (Http2Peer peer = new Http2Peer(proxy.port, FROM_GERMANY)) {
            assertThat(peer.get("/").body()).isEqualTo("local DE none");
        }
    }

    @Test
    void whatClientsWriteOfThemselvesIsTakenOut() throws Exception {
        assertThat(proxy.exchange(FROM_NOWHERE + get("X-Country: DE\r\nConnection: close\r\n")))
                .endsWith("other none none");
        assertThat(proxy.exchange(FROM_NOWHERE + get("X_Country: DE\r\nConnection: close\r\n")))
                .endsWith("other none none");
        assertThat(proxy.exchange(FROM_GERMANY + get("Connection: close, X-Country\r\n")))
                .endsWith("local DE none");
        assertThat(proxy.exchange(FROM_GERMANY + get("x-country: FR\r\nX-COUNTRY: US\r\nConnection: close\r\n")))
                .endsWith("local DE none");
    }

    @Test
    void anotherDatabaseCountsForConnectionsThatAreOpen() throws Exception {
        try (ProxyFixture.Client client = proxy.client()) {
            client.send(FROM_GERMANY + get(""));
            assertThat(client.answer()).isEqualTo("HTTP/1.1 200 OK|local DE none");
            write("AT");
            Files.setLastModifiedTime(database, FileTime.fromMillis(1));
            proxy.plane.locations.look();
            client.send(get(""));
            assertThat(client.answer()).isEqualTo("HTTP/1.1 200 OK|other AT none");
        }
    }
}
