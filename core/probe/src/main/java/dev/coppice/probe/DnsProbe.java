package dev.coppice.probe;

import com.google.re2j.Pattern;
import dev.coppice.probe.InvalidProbeException.FieldError;
import dev.coppice.probe.ProbeResult.DnsFacts;
import dev.coppice.probe.ProbeResult.Outcome;
import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.AAAARecord;
import org.xbill.DNS.ARecord;
import org.xbill.DNS.DClass;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.ResolverConfig;
import org.xbill.DNS.SOARecord;
import org.xbill.DNS.Section;
import org.xbill.DNS.TextParseException;
import org.xbill.DNS.Type;
import org.xbill.DNS.hosts.HostsFileParser;

/** Asks a name server one question, over UDP (with a second try by TCP when the answer is truncated) or TCP. */
final class DnsProbe implements ProbeRun {
    private static final int RECORDS_MAX = 200;
    private static final int UDP_BYTES_MAX = 4096;

    private record Rule(ProbeSpec.Dns.SectionRule rule, Pattern pattern) {}

    private final ProbeSpec.Dns spec;
    private final Dialer dialer;
    private final Name name;
    private final int type;
    private final @Nullable String server;
    private final int port;
    private final List<Rule> rules;

    private DnsProbe(
            ProbeSpec.Dns spec,
            Dialer dialer,
            Name name,
            int type,
            @Nullable String server,
            int port,
            List<Rule> rules) {
        this.spec = spec;
        this.dialer = dialer;
        this.name = name;
        this.type = type;
        this.server = server;
        this.port = port;
        this.rules = rules;
    }

    static DnsProbe of(ProbeSpec.Dns spec, Dialer dialer, List<FieldError> errors) {
        var name = Name.root;
        try {
            name = Name.fromString(spec.name(), Name.root);
        } catch (TextParseException e) {
            errors.add(new FieldError("name", "\"" + spec.name() + "\" is no domain name: " + e.getMessage()));
        }
        int type = Type.value(spec.recordType().toUpperCase(Locale.ROOT));
        if (type < 0) {
            errors.add(new FieldError("recordType", "expected A, AAAA, MX or so, not \"" + spec.recordType() + "\""));
        }
        for (var code : spec.responseCodes()) {
            if (Rcode.value(code.toUpperCase(Locale.ROOT)) < 0) {
                errors.add(new FieldError("responseCodes", "expected NOERROR, NXDOMAIN or so, not \"" + code + "\""));
            }
        }
        var rules = new ArrayList<Rule>();
        for (var rule : spec.sectionRules()) {
            try {
                rules.add(new Rule(rule, AssertionSet.regex(rule.regex())));
            } catch (IllegalArgumentException e) {
                errors.add(new FieldError("sectionRules", String.valueOf(e.getMessage())));
            }
        }
        var server = spec.server();
        int port = 53;
        if (server != null) {
            int colon = server.lastIndexOf(':');
            boolean hasPort =
                    colon > server.lastIndexOf(']') && (server.indexOf(':') == colon || server.startsWith("["));
            if (hasPort) {
                port = number(server.substring(colon + 1));
                server = server.substring(0, colon);
            }
            if (port < 1 || port > 65_535) {
                errors.add(
                        new FieldError("server", "expected a host and perhaps a port, not \"" + spec.server() + "\""));
            }
            SpecRules.host(server, errors);
        }
        return new DnsProbe(spec, dialer, name, type, server, port, List.copyOf(rules));
    }

    private static int number(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    @Override
    public void run(Attempt attempt) throws ProbeFailure, IOException, InterruptedException {
        if (knownHere(attempt)) {
            return;
        }
        var query = Message.newQuery(Record.newRecord(name, type, DClass.IN));
        if (!spec.recursionDesired()) {
            query.getHeader().unsetFlag(Flags.RD);
        }
        InetSocketAddress to = server(attempt);
        var answer = spec.transport() == ProbeSpec.Dns.Transport.TCP
                ? overTcp(attempt, query, to)
                : overUdp(attempt, query, to);
        if (answer.getHeader().getFlag(Flags.TC) && spec.transport() == ProbeSpec.Dns.Transport.UDP) {
            answer = overTcp(attempt, query, to);
        }
        attempt.step(Attempt.Step.READING);
        conclude(attempt, answer);
    }

    /** Without a server, the machine's own way counts: localhost and its hosts file come before any name server. */
    private boolean knownHere(Attempt attempt) throws ProbeFailure, IOException {
        if (server != null || type != Type.A && type != Type.AAAA) {
            return false;
        }
        var plainName = name.toString(true).toLowerCase(Locale.ROOT);
        var found = plainName.equals("localhost") || plainName.endsWith(".localhost")
                ? Optional.of(InetAddress.ofLiteral(type == Type.A ? "127.0.0.1" : "::1"))
                : new HostsFileParser().getAddressForHost(name, type);
        if (found.isEmpty()) {
            return false;
        }
        var answer = new Message();
        Record record = type == Type.A
                ? new ARecord(name, DClass.IN, 0, found.get())
                : new AAAARecord(name, DClass.IN, 0, found.get());
        answer.addRecord(record, Section.ANSWER);
        attempt.step(Attempt.Step.READING);
        conclude(attempt, answer);
        return true;
    }

    private void conclude(Attempt attempt, Message answer) throws ProbeFailure {
        var facts = facts(answer);
        attempt.dns = facts;
        attempt.excerpt(String.join("\n", facts.answers()));
        judge(facts, answer);
    }

    private InetSocketAddress server(Attempt attempt) throws ProbeFailure, IOException, InterruptedException {
        if (server != null) {
            return new InetSocketAddress(
                    dialer.resolve(attempt, server, spec.family()).getFirst(), port);
        }
        var configured = ResolverConfig.getCurrentConfig().servers();
        if (configured.isEmpty()) {
            throw new ProbeFailure(
                    Outcome.UNSUPPORTED, "this machine has no name servers in /etc/resolv.conf: give a server");
        }
        return configured.getFirst();
    }

    private Message overUdp(Attempt attempt, Message query, InetSocketAddress to) throws IOException, ProbeFailure {
        attempt.address(to.getAddress());
        attempt.step(Attempt.Step.CONNECTING);
        try (var socket = new DatagramSocket()) {
            attempt.guard(socket);
            socket.connect(to);
            attempt.step(Attempt.Step.SENDING);
            var wire = query.toWire();
            socket.send(new DatagramPacket(wire, wire.length));
            attempt.step(Attempt.Step.WAITING);
            var packet = new DatagramPacket(new byte[UDP_BYTES_MAX], UDP_BYTES_MAX);
            while (true) {
                packet.setLength(UDP_BYTES_MAX);
                socket.receive(packet);
                attempt.countBytes(packet.getLength());
                var answer = parse(java.util.Arrays.copyOf(packet.getData(), packet.getLength()));
                // What does not answer this question is not for us (RFC 5452, section 9).
                if (answer.getHeader().getID() == query.getHeader().getID()) {
                    return sameQuestion(query, answer);
                }
            }
        }
    }

    private Message overTcp(Attempt attempt, Message query, InetSocketAddress to)
            throws ProbeFailure, IOException, InterruptedException {
        var host = to.getAddress().getHostAddress();
        try (var connection = dialer.connectPinned(attempt, List.of(to.getAddress()), to.getPort())) {
            attempt.step(Attempt.Step.SENDING);
            var wire = query.toWire();
            var framed = new byte[wire.length + 2];
            framed[0] = (byte) (wire.length >> 8);
            framed[1] = (byte) wire.length;
            System.arraycopy(wire, 0, framed, 2, wire.length);
            connection.output().write(framed);
            attempt.step(Attempt.Step.WAITING);
            var reader = new LineReader(connection.input(), attempt);
            int length = reader.read() << 8 | reader.read();
            var answer = parse(reader.exactly(length));
            if (answer.getHeader().getID() != query.getHeader().getID()) {
                throw new ProtocolException("the name server " + host + " answered another question");
            }
            return sameQuestion(query, answer);
        }
    }

    private static Message parse(byte[] wire) throws ProtocolException {
        try {
            return new Message(wire);
        } catch (IOException e) {
            throw new ProtocolException("the answer is no DNS message: " + e.getMessage());
        }
    }

    private static Message sameQuestion(Message query, Message answer) throws ProtocolException {
        var asked = query.getQuestion();
        var echoed = answer.getQuestion();
        if (echoed != null && !echoed.equals(asked)) {
            throw new ProtocolException("the name server answered another question");
        }
        return answer;
    }

    private static DnsFacts facts(Message answer) {
        long serial = -1;
        for (var record : answer.getSection(Section.ANSWER)) {
            if (record instanceof SOARecord soa) {
                serial = soa.getSerial();
            }
        }
        return new DnsFacts(
                Rcode.string(answer.getRcode()),
                texts(answer, Section.ANSWER),
                texts(answer, Section.AUTHORITY),
                texts(answer, Section.ADDITIONAL),
                answer.getHeader().getFlag(Flags.AA),
                serial);
    }

    private static List<String> texts(Message message, int section) {
        return message.getSection(section).stream()
                .filter(r -> r.getType() != Type.OPT)
                .limit(RECORDS_MAX)
                .map(r -> r.getName() + "\t" + r.getTTL() + "\t" + DClass.string(r.getDClass()) + "\t"
                        + Type.string(r.getType()) + "\t" + r.rdataToString())
                .toList();
    }

    private void judge(DnsFacts facts, Message answer) throws ProbeFailure {
        var problems = new ArrayList<String>();
        if (spec.responseCodes().stream().noneMatch(code -> code.equalsIgnoreCase(facts.responseCode()))) {
            problems.add("the name server says " + facts.responseCode() + ", expected "
                    + String.join(", ", spec.responseCodes()));
        } else {
            expectAnswers(answer, problems);
        }
        for (var rule : rules) {
            var records = switch (rule.rule().section()) {
                case ANSWER -> facts.answers();
                case AUTHORITY -> facts.authority();
                case ADDITIONAL -> facts.additional();
            };
            long matching = records.stream()
                    .filter(r -> rule.pattern().matcher(r).find())
                    .count();
            boolean fails = switch (rule.rule().condition()) {
                case FAIL_IF_ANY_MATCHES -> matching > 0;
                case FAIL_IF_ALL_MATCH -> matching == records.size() && !records.isEmpty();
                case FAIL_IF_ANY_DOES_NOT_MATCH -> matching < records.size();
                case FAIL_IF_NONE_MATCHES -> matching == 0;
            };
            if (fails) {
                problems.add(matching + " of " + records.size() + " records in the "
                        + rule.rule().section().name().toLowerCase(Locale.ROOT) + " section match \""
                        + rule.rule().regex() + "\"");
            }
        }
        if (!problems.isEmpty()) {
            throw new ProbeFailure(Outcome.UNEXPECTED, String.join("; ", problems));
        }
    }

    private void expectAnswers(Message answer, List<String> problems) {
        var found = answer.getSection(Section.ANSWER).stream()
                .filter(r -> r.getType() == type || type == Type.ANY)
                .map(r -> plain(r.rdataToString()))
                .toList();
        var shown = String.join(", ", found.subList(0, Math.min(10, found.size())));
        if (found.isEmpty()
                && spec.responseCodes().contains("NOERROR")
                && spec.sectionRules().isEmpty()) {
            problems.add("there is no " + spec.recordType() + " record for " + spec.name());
            return;
        }
        var wanted = spec.expectedAnswers().stream().map(DnsProbe::plain).toList();
        for (var each : wanted) {
            if (!found.contains(each)) {
                problems.add("expected the answer " + each + ", found " + shown);
            }
        }
        if (spec.exact() && !wanted.isEmpty()) {
            found.stream()
                    .filter(f -> !wanted.contains(f))
                    .limit(5)
                    .forEach(f -> problems.add("unexpected answer " + f));
        }
    }

    /** Lower case, without the final dots of names and the quotes of texts. */
    private static String plain(String data) {
        var text = data.strip();
        if (text.length() > 1
                && text.startsWith("\"")
                && text.endsWith("\"")
                && text.indexOf('"', 1) == text.length() - 1) {
            return text.substring(1, text.length() - 1);
        }
        text = text.toLowerCase(Locale.ROOT);
        return text.length() > 1 && text.endsWith(".") ? text.substring(0, text.length() - 1) : text;
    }
}
