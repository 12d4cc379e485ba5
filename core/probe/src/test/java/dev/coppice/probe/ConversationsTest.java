package dev.coppice.probe;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.kernel.Kernel;
import dev.coppice.probe.ProbeResult.Outcome;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.Section;

/** TCP, DNS, Redis, PostgreSQL and ICMP. */
class ConversationsTest {
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private final Kernel kernel = Kernel.start();
    private final Prober prober = new Prober(kernel, ProberOptions.DEFAULT);

    @AfterEach
    void stop() {
        kernel.close();
    }

    private ProbeResult tcp(ScriptedServer server, ProbeSpec.Tcp.Step... steps) throws Exception {
        return prober.probe(
                new ProbeSpec.Tcp("127.0.0.1", server.port(), null, List.of(steps), AddressFamily.PREFER_IPV4),
                TIMEOUT);
    }

    @Test
    void talksLineByLine() throws Exception {
        try (var server = new ScriptedServer(kernel, (socket, number) -> {
            var reader = new java.io.BufferedReader(new java.io.InputStreamReader(socket.getInputStream(), UTF_8));
            socket.getOutputStream().write("noise\r\n220 host-7 ready\r\n".getBytes(UTF_8));
            socket.getOutputStream().write(("echo " + reader.readLine() + "\n").getBytes(UTF_8));
        })) {
            var greet = new ProbeSpec.Tcp.Step("^220 (\\S+)", "EHLO ${1} $$", false);
            assertThat(tcp(server, greet, new ProbeSpec.Tcp.Step("^echo EHLO host-7 \\$$", null, false))
                            .reason())
                    .isEmpty();
            var result = tcp(server, greet, new ProbeSpec.Tcp.Step("^never", null, false));
            assertThat(result.outcome()).isEqualTo(Outcome.UNEXPECTED);
            assertThat(result.reason())
                    .isEqualTo("the server closed the connection before a line that matches \"^never\"");
            assertThat(result.excerpt()).startsWith("noise\n220 host-7 ready\n");
        }
    }

    @Test
    void boundsALineThatNeverEnds() throws Exception {
        try (var server = new ScriptedServer(kernel, (socket, number) -> {
            while (true) {
                socket.getOutputStream().write(new byte[8192]);
            }
        })) {
            assertThat(tcp(server, new ProbeSpec.Tcp.Step("x", null, false)).reason())
                    .startsWith("a line is longer than 16384 bytes");
        }
    }

    @Test
    void changesToTlsOnTheWay(@TempDir Path folder) throws Exception {
        var certificates = TestCertificates.make(folder, "-1d", 31);
        try (var server = new ScriptedServer(kernel, (socket, number) -> {
            socket.getOutputStream().write("220 hi\n".getBytes(UTF_8));
            int c = socket.getInputStream().read();
            while (c != '\n') {
                c = socket.getInputStream().read();
            }
            var context = certificates.context();
            var secure = (javax.net.ssl.SSLSocket)
                    context.getSocketFactory().createSocket(socket, "localhost", socket.getPort(), true);
            secure.setUseClientMode(false);
            secure.getOutputStream().write("secret\n".getBytes(UTF_8));
        })) {
            var spec = new ProbeSpec.Tcp(
                    "localhost",
                    server.port(),
                    TlsOptions.DEFAULT.withCaPem(certificates.pem()),
                    List.of(
                            new ProbeSpec.Tcp.Step("220", "STARTTLS", true),
                            new ProbeSpec.Tcp.Step("^secret", null, false)),
                    AddressFamily.PREFER_IPV4);
            var result = prober.probe(spec, TIMEOUT);
            assertThat(result.reason()).isEmpty();
            assertThat(result.tls().version()).isEqualTo("TLSv1.3");
        }
    }

    @Test
    void judgesDnsAnswers() throws Exception {
        try (var socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            answerDns(socket);
            var server = "127.0.0.1:" + socket.getLocalPort();
            var fine = prober.probe(dns("www.example.org", "A", server, List.of("192.0.2.1"), false), TIMEOUT);
            assertThat(fine.reason()).isEmpty();
            assertThat(fine.dns().responseCode()).isEqualTo("NOERROR");
            assertThat(fine.dns().answers())
                    .containsExactly(
                            "www.example.org.\t60\tIN\tA\t192.0.2.1", "www.example.org.\t60\tIN\tA\t192.0.2.2");
            assertThat(prober.probe(dns("www.example.org", "A", server, List.of("192.0.2.9"), false), TIMEOUT)
                            .reason())
                    .isEqualTo("expected the answer 192.0.2.9, found 192.0.2.1, 192.0.2.2");
            assertThat(prober.probe(dns("www.example.org", "A", server, List.of("192.0.2.1"), true), TIMEOUT)
                            .reason())
                    .isEqualTo("unexpected answer 192.0.2.2");
            assertThat(prober.probe(dns("none.example.org", "A", server, List.of(), false), TIMEOUT)
                            .reason())
                    .isEqualTo("the name server says NXDOMAIN, expected NOERROR");
            assertThat(prober.probe(
                                    dns("www.example.org", "MX", server, List.of("10 mail.example.org"), false),
                                    TIMEOUT)
                            .reason())
                    .isEmpty();
            assertThat(prober.probe(dns("empty.example.org", "A", server, List.of(), false), TIMEOUT)
                            .reason())
                    .isEqualTo("there is no A record for empty.example.org");
        }
    }

    private static ProbeSpec.Dns dns(String name, String type, String server, List<String> answers, boolean exact) {
        return new ProbeSpec.Dns(
                name,
                type,
                server,
                ProbeSpec.Dns.Transport.UDP,
                true,
                List.of(),
                answers,
                exact,
                List.of(),
                AddressFamily.PREFER_IPV4);
    }

    private void answerDns(DatagramSocket socket) throws Exception {
        kernel.root()
                .start(dev.coppice.kernel.ChildSpec.task("dns", () -> {
                            var packet = new DatagramPacket(new byte[512], 512);
                            while (!socket.isClosed()) {
                                try {
                                    packet.setLength(512);
                                    socket.receive(packet);
                                    var query =
                                            new Message(java.util.Arrays.copyOf(packet.getData(), packet.getLength()));
                                    // First a forged answer, which must be ignored.
                                    var forged = new Message(query.getHeader().getID() ^ 1);
                                    send(socket, packet, forged);
                                    send(socket, packet, answer(query));
                                } catch (java.net.SocketException e) {
                                    return;
                                }
                            }
                        })
                        .withRestart(dev.coppice.kernel.ChildSpec.Restart.TEMPORARY));
    }

    private static void send(DatagramSocket socket, DatagramPacket to, Message message) throws Exception {
        var wire = message.toWire();
        socket.send(new DatagramPacket(wire, wire.length, to.getSocketAddress()));
    }

    private static Message answer(Message query) throws Exception {
        var answer = new Message(query.getHeader().getID());
        answer.getHeader().setFlag(Flags.QR);
        var question = query.getQuestion();
        answer.addRecord(question, Section.QUESTION);
        var name = question.getName();
        if (name.toString().startsWith("none.")) {
            answer.getHeader().setRcode(Rcode.NXDOMAIN);
        } else if (name.toString().startsWith("www.")) {
            for (var data : question.getType() == org.xbill.DNS.Type.MX
                    ? List.of("10 mail.example.org.")
                    : List.of("192.0.2.1", "192.0.2.2")) {
                answer.addRecord(
                        Record.fromString(name, question.getType(), 1, 60, data, org.xbill.DNS.Name.root),
                        Section.ANSWER);
            }
        }
        return answer;
    }

    @Test
    void resolvesLocalhostWithoutANameServer() throws Exception {
        try (var server = ScriptedServer.answering(kernel, "HTTP/1.1 200 OK\r\n\r\n")) {
            var result = prober.probe(ProbeSpec.Http.get("http://localhost:" + server.port() + "/"), TIMEOUT);
            assertThat(result.address()).isEqualTo("127.0.0.1");
        }
    }

    @Test
    void knowsLocalhostByTheMachineItself() throws Exception {
        var result = prober.probe(ProbeSpec.Dns.query("localhost", "A", null), TIMEOUT);
        assertThat(result.reason()).isEmpty();
        assertThat(result.excerpt()).endsWith("127.0.0.1");
    }

    @Test
    void pingsRedis() throws Exception {
        try (var server = new ScriptedServer(kernel, (socket, number) -> {
            var in = socket.getInputStream();
            var head = new byte[512];
            var text = new String(head, 0, in.read(head), UTF_8);
            if (text.contains("AUTH")) {
                socket.getOutputStream()
                        .write((text.contains("right") ? "+OK\r\n" : "-WRONGPASS invalid\r\n").getBytes(UTF_8));
                var unused = in.read(head);
            }
            socket.getOutputStream().write("+PONG\r\n".getBytes(UTF_8));
        })) {
            assertThat(prober.probe(ProbeSpec.Redis.ping("127.0.0.1", server.port()), TIMEOUT)
                            .reason())
                    .isEmpty();
            var right = new ProbeSpec.Redis("127.0.0.1", server.port(), "u", "right", null, AddressFamily.PREFER_IPV4);
            assertThat(prober.probe(right, TIMEOUT).reason()).isEmpty();
            var wrong = new ProbeSpec.Redis("127.0.0.1", server.port(), null, "no", null, AddressFamily.PREFER_IPV4);
            assertThat(prober.probe(wrong, TIMEOUT).reason())
                    .isEqualTo("the server answers AUTH with: WRONGPASS invalid");
        }
        try (var server = ScriptedServer.answering(kernel, "")) {
            assertThat(prober.probe(ProbeSpec.Redis.ping("127.0.0.1", server.port()), Duration.ofMillis(200))
                            .success())
                    .isFalse();
        }
    }

    @Test
    void seesWhetherPostgresIsThere() throws Exception {
        for (var each : Map.of(
                        "SFATAL\0C28000\0Mno such role\0\0",
                        true,
                        "SFATAL\0C57P03\0Mthe database system is starting up\0\0",
                        false)
                .entrySet()) {
            try (var server = new ScriptedServer(kernel, (socket, number) -> {
                var unused = socket.getInputStream().read(new byte[512]);
                var body = each.getKey().getBytes(UTF_8);
                socket.getOutputStream()
                        .write(java.nio.ByteBuffer.allocate(body.length + 5)
                                .put((byte) 'E')
                                .putInt(body.length + 4)
                                .put(body)
                                .array());
            })) {
                var result = prober.probe(ProbeSpec.Postgres.alive("127.0.0.1", server.port()), TIMEOUT);
                assertThat(result.success()).as(result.reason()).isEqualTo(each.getValue());
            }
        }
        try (var server = ScriptedServer.answering(kernel, "HTTP/1.1 400 Bad Request\r\n\r\n")) {
            assertThat(prober.probe(ProbeSpec.Postgres.alive("127.0.0.1", server.port()), Duration.ofMillis(300))
                            .success())
                    .isFalse();
        }
    }

    @Test
    void scramFollowsTheRfc() throws Exception {
        // The proof must verify with what the server derives independently: RFC 7677's key derivation.
        var client = new ScramClient("pencil", kernel.secureRandom());
        var first = new String(client.first(), UTF_8);
        var nonce = first.substring(first.indexOf("r=") + 2);
        assertThat(first).startsWith("n,,n=,r=");
        var proof = new String(client.proof("r=" + nonce + "server,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"), UTF_8);
        assertThat(proof).startsWith("c=biws,r=" + nonce + "server,p=");
        client.verify("v=AAAA");
        assertThat(client.verified()).isFalse();
        assertThatThrownBy(() -> client.proof("r=other,s=AA==,i=4096")).isInstanceOf(ProbeFailure.class);
        assertThatThrownBy(() -> client.proof("r=" + nonce + "x,s=AA==,i=99999999"))
                .isInstanceOf(ProbeFailure.class);
    }

    @Test
    void pingsTheLoopbackOrSaysWhatIsMissing() throws Exception {
        for (var host : List.of("127.0.0.1", "::1")) {
            var result = prober.probe(ProbeSpec.Icmp.echo(host), TIMEOUT);
            if (result.outcome() == Outcome.UNSUPPORTED) {
                assertThat(result.reason()).contains("ping_group_range");
            } else if (host.equals("127.0.0.1")) {
                assertThat(result.reason()).isEmpty();
                assertThat(result.icmp().bytes()).isEqualTo(40);
            }
        }
    }

    @Test
    void refusesMetadataAddressesInEveryForm() {
        for (var address : List.of(
                "169.254.169.254",
                "169.254.170.2",
                "fe80::1",
                "fd00:ec2::254",
                "100.100.100.200",
                "168.63.129.16",
                "192.0.0.192",
                "fd20:ce::254",
                "64:ff9b::a9fe:a9fe",
                "2002:a9fe:a9fe::1",
                "::ffff:169.254.169.254",
                "::169.254.169.254",
                "224.0.0.1",
                "ff02::1",
                "255.255.255.255")) {
            assertThat(AddressPolicy.STRICT.refusal(InetAddress.ofLiteral(address)))
                    .as(address)
                    .isNotNull();
        }
        for (var address :
                List.of("127.0.0.1", "::1", "10.0.0.1", "100.100.100.201", "fd00::1", "192.0.2.1", "2001:db8::1")) {
            assertThat(AddressPolicy.STRICT.refusal(InetAddress.ofLiteral(address)))
                    .as(address)
                    .isNull();
        }
        assertThat(AddressPolicy.OPEN.refusal(InetAddress.ofLiteral("169.254.169.254")))
                .isNull();
        assertThat(AddressPolicy.OPEN.refusal(InetAddress.ofLiteral("224.0.0.1")))
                .isNotNull();
    }
}
