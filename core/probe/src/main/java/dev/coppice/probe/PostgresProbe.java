package dev.coppice.probe;

import dev.coppice.kernel.Kernel;
import dev.coppice.probe.InvalidProbeException.FieldError;
import dev.coppice.probe.ProbeResult.Outcome;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Asks a PostgreSQL server whether it is there (as pg_isready does), lets one in, or answers a query, by its frontend/backend
 * protocol 3.0 (https://www.postgresql.org/docs/current/protocol.html). Messages and their sum are bounded.
 */
final class PostgresProbe implements ProbeRun {
    private static final int MESSAGE_MAX = 1 << 20;
    private static final int MESSAGES_MAX = 10_000;
    private static final int PROTOCOL = 196_608;
    private static final int SSL_REQUEST = 80_877_103;

    /** A message of the server. */
    private record Message(char type, byte[] body) {}

    private final ProbeSpec.Postgres spec;
    private final Dialer dialer;
    private final Kernel kernel;
    private final @Nullable TlsClient tls;

    private PostgresProbe(ProbeSpec.Postgres spec, Dialer dialer, Kernel kernel, @Nullable TlsClient tls) {
        this.spec = spec;
        this.dialer = dialer;
        this.kernel = kernel;
        this.tls = tls;
    }

    static PostgresProbe of(ProbeSpec.Postgres spec, Dialer dialer, Kernel kernel, List<FieldError> errors) {
        SpecRules.host(spec.host(), errors);
        SpecRules.port(spec.port(), errors);
        if (spec.username() == null && (spec.query() != null || spec.password() != null)) {
            errors.add(new FieldError("username", "a password or query needs a user name"));
        }
        for (var text : new String[] {spec.username(), spec.password(), spec.database(), spec.query()}) {
            if (text != null && (text.indexOf('\0') >= 0 || text.length() > 64 << 10)) {
                errors.add(new FieldError("postgres", "texts must be shorter than 64 KiB and without NUL"));
            }
        }
        return new PostgresProbe(spec, dialer, kernel, SpecRules.tls(spec.tls(), errors));
    }

    @Override
    public void run(Attempt attempt) throws ProbeFailure, IOException, InterruptedException {
        var connection = dialer.connect(attempt, spec.host(), spec.port(), spec.family());
        try {
            if (tls != null) {
                connection = secure(attempt, connection, tls);
            }
            new Session(attempt, connection).run();
        } finally {
            Attempt.closeQuietly(connection);
        }
    }

    private Connection secure(Attempt attempt, Connection plain, TlsClient client) throws ProbeFailure, IOException {
        attempt.step(Attempt.Step.SENDING);
        plain.output()
                .write(ByteBuffer.allocate(8).putInt(8).putInt(SSL_REQUEST).array());
        attempt.step(Attempt.Step.WAITING);
        // One byte, unbuffered: what follows belongs to the handshake.
        int answer = plain.input().read();
        if (answer != 'S') {
            throw new ProbeFailure(
                    Outcome.TLS_FAILED,
                    answer == 'N' ? "the PostgreSQL server does not offer TLS" : "the server is no PostgreSQL server");
        }
        return client.handshake(attempt, plain, spec.host(), spec.port());
    }

    private final class Session {
        private final Attempt attempt;
        private final Connection connection;
        private final LineReader reader;
        private @Nullable ScramClient scram;
        private int messages;

        Session(Attempt attempt, Connection connection) {
            this.attempt = attempt;
            this.connection = connection;
            this.reader = new LineReader(connection.input(), attempt);
        }

        void run() throws ProbeFailure, IOException {
            attempt.step(Attempt.Step.SENDING);
            connection.output().write(startup());
            attempt.step(Attempt.Step.WAITING);
            if (spec.username() == null) {
                alive(next());
                return;
            }
            logIn();
            var query = spec.query();
            if (query != null) {
                send('Q', terminated(query));
                attempt.step(Attempt.Step.WAITING);
                awaitReady("the query failed");
            }
            send('X', new byte[0]);
        }

        private byte[] startup() {
            var body = new ByteArrayOutputStream();
            body.writeBytes(ByteBuffer.allocate(4).putInt(PROTOCOL).array());
            var user = spec.username() == null ? "coppice" : spec.username();
            var database = spec.database() == null ? user : spec.database();
            for (var text : List.of("user", user, "database", database, "application_name", "coppice")) {
                body.writeBytes(terminated(text));
            }
            body.write(0);
            return ByteBuffer.allocate(body.size() + 4)
                    .putInt(body.size() + 4)
                    .put(body.toByteArray())
                    .array();
        }

        private static byte[] terminated(String text) {
            var bytes = text.getBytes(StandardCharsets.UTF_8);
            return java.util.Arrays.copyOf(bytes, bytes.length + 1);
        }

        private void send(char type, byte[] body) throws IOException {
            attempt.step(Attempt.Step.SENDING);
            connection
                    .output()
                    .write(ByteBuffer.allocate(body.length + 5)
                            .put((byte) type)
                            .putInt(body.length + 4)
                            .put(body)
                            .array());
        }

        private Message next() throws IOException {
            if (++messages > MESSAGES_MAX) {
                throw new ProtocolException("the server sent more than " + MESSAGES_MAX + " messages");
            }
            char type = (char) reader.read();
            int length = ByteBuffer.wrap(reader.exactly(4)).getInt() - 4;
            if ("RSKZETNDCIAtnvG".indexOf(type) < 0 || length < 0 || length > MESSAGE_MAX) {
                throw new ProtocolException("the answer is not PostgreSQL's protocol");
            }
            return new Message(type, reader.exactly(length));
        }

        /** Any sane reaction shows a server that accepts connections, but for these errors. */
        private void alive(Message answer) throws ProbeFailure, IOException {
            if (answer.type() == 'E') {
                var code = field(answer, 'C');
                if (code.startsWith("57P") || code.startsWith("53")) {
                    throw new ProbeFailure(Outcome.UNEXPECTED, "the server says: " + field(answer, 'M'));
                }
                attempt.excerpt("accepts connections (" + code + ")");
            } else if (answer.type() == 'R') {
                attempt.excerpt("accepts connections");
            } else {
                throw new ProtocolException("the answer is not PostgreSQL's protocol");
            }
        }

        private void logIn() throws ProbeFailure, IOException {
            while (true) {
                var message = next();
                switch (message.type()) {
                    case 'E' -> throw refused("cannot log in", message);
                    case 'R' -> {
                        if (authenticate(ByteBuffer.wrap(message.body()))) {
                            awaitReady("cannot log in");
                            return;
                        }
                    }
                    case 'N', 'v' -> {}
                    default -> throw new ProtocolException("the answer is not PostgreSQL's protocol");
                }
            }
        }

        /** Answers a request for authentication; true when there is nothing more to prove. */
        private boolean authenticate(ByteBuffer request) throws ProbeFailure, IOException {
            int method = request.remaining() < 4 ? -1 : request.getInt();
            if (method == 0) {
                var client = scram;
                if (client != null && !client.verified()) {
                    throw new ProbeFailure(Outcome.UNEXPECTED, "the server did not prove that it knows the password");
                }
                return true;
            }
            var password = spec.password();
            if (password == null) {
                throw new ProbeFailure(Outcome.UNEXPECTED, "the server wants a password, but none is given");
            }
            switch (method) {
                case 3 -> send('p', terminated(password));
                case 5 -> send('p', terminated(md5(password, request)));
                case 10 -> {
                    var mechanisms = StandardCharsets.UTF_8.decode(request).toString();
                    if (!List.of(mechanisms.split("\0")).contains("SCRAM-SHA-256")) {
                        throw new ProbeFailure(Outcome.UNEXPECTED, "the server does not offer SCRAM-SHA-256");
                    }
                    var client = new ScramClient(password, kernel.secureRandom());
                    scram = client;
                    var first = client.first();
                    send(
                            'p',
                            ByteBuffer.allocate(14 + 4 + first.length)
                                    .put(terminated("SCRAM-SHA-256"))
                                    .putInt(first.length)
                                    .put(first)
                                    .array());
                }
                case 11, 12 -> {
                    var client = scram;
                    if (client == null) {
                        throw new ProtocolException("the server mixes up its authentication");
                    }
                    var text = StandardCharsets.UTF_8.decode(request).toString();
                    if (method == 11) {
                        send('p', client.proof(text));
                    } else {
                        client.verify(text);
                    }
                }
                default ->
                    throw new ProbeFailure(
                            Outcome.UNSUPPORTED,
                            "the server wants authentication method " + method
                                    + "; clear text, MD5 and SCRAM-SHA-256 are supported");
            }
            attempt.step(Attempt.Step.WAITING);
            return false;
        }

        private String md5(String password, ByteBuffer salt) throws ProbeFailure {
            try {
                var digest = MessageDigest.getInstance("MD5");
                digest.update(password.getBytes(StandardCharsets.UTF_8));
                digest.update(String.valueOf(spec.username()).getBytes(StandardCharsets.UTF_8));
                var inner = HexFormat.of().formatHex(digest.digest());
                digest.update(inner.getBytes(StandardCharsets.US_ASCII));
                digest.update(salt);
                return "md5" + HexFormat.of().formatHex(digest.digest());
            } catch (GeneralSecurityException e) {
                throw new ProbeFailure(Outcome.UNSUPPORTED, "this Java runtime has no MD5");
            }
        }

        private void awaitReady(String problem) throws ProbeFailure, IOException {
            while (true) {
                var message = next();
                switch (message.type()) {
                    case 'Z' -> {
                        return;
                    }
                    case 'E' -> throw refused(problem, message);
                    case 'D' -> attempt.excerpt(row(message.body()));
                    case 'G' -> throw new ProbeFailure(Outcome.UNEXPECTED, "a query must not be COPY FROM STDIN");
                    default -> {
                        // Parameters, notices, row descriptions and the like.
                    }
                }
            }
        }

        /** The columns of a row, separated by tabs. */
        private static String row(byte[] body) throws ProtocolException {
            try {
                var in = ByteBuffer.wrap(body);
                var out = new StringBuilder();
                int columns = in.getShort();
                for (int i = 0; i < columns && out.length() < ProbeResult.EXCERPT_CHARACTERS; i++) {
                    int length = in.getInt();
                    out.append(i == 0 ? "" : "\t");
                    if (length >= 0) {
                        var value = new byte[Math.min(length, in.remaining())];
                        in.get(value);
                        out.append(new String(value, StandardCharsets.UTF_8));
                    }
                }
                return out.toString();
            } catch (java.nio.BufferUnderflowException e) {
                throw new ProtocolException("the server sent a row that ends early");
            }
        }

        private static ProbeFailure refused(String problem, Message error) {
            return new ProbeFailure(Outcome.UNEXPECTED, problem + ": " + field(error, 'M'));
        }

        /** A field of an error message: M is the text, C the SQLSTATE. */
        private static String field(Message error, char wanted) {
            var text = new String(error.body(), StandardCharsets.UTF_8);
            for (var each : text.split("\0")) {
                if (!each.isEmpty() && each.charAt(0) == wanted) {
                    return each.length() <= 200 ? each.substring(1) : each.substring(1, 200) + "…";
                }
            }
            return "";
        }
    }
}
