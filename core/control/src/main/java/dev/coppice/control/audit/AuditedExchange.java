package dev.coppice.control.audit;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.control.request.Json;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Identity;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A request that is recorded: an exchange that notes what goes through it. Used by one thread at a time. */
public final class AuditedExchange implements Exchange {
    private final Exchange exchange;
    private final AuditRecord record;
    private String type = "";
    private int code = 200;
    private byte @Nullable [] sent;
    private @Nullable JsonNode told;
    private boolean answered;

    AuditedExchange(Exchange exchange, AuditRecord record) {
        this.exchange = exchange;
        this.record = record;
        Exchange _ = exchange.setHeader("Audit-Id", record.id());
    }

    // ---- what the API tells of a request; nothing happens for one that is not recorded

    /** By which the log names a request; null when it is not recorded. */
    public static @Nullable String id(Exchange exchange) {
        return exchange instanceof AuditedExchange audited ? audited.record.id() : null;
    }

    /** Where what is noted for the audit log goes; null when nobody looks. */
    public static @Nullable Map<String, String> annotations(Exchange exchange) {
        return exchange instanceof AuditedExchange audited ? audited.record.annotations() : null;
    }

    /** Notes whether something was allowed, and why. */
    public static void decided(Exchange exchange, boolean allowed, String reason) {
        Map<String, String> annotations = annotations(exchange);
        if (annotations != null) {
            annotations.put("authorization.k8s.io/decision", allowed ? "allow" : "forbid");
            annotations.put("authorization.k8s.io/reason", reason);
        }
    }

    /** Notes the decoded body. */
    public static void request(Exchange exchange, JsonNode body) {
        if (exchange instanceof AuditedExchange audited) {
            audited.record.request(body);
        }
    }

    /** Notes what is about to be sent in another form than JSON. */
    public static void response(Exchange exchange, JsonNode body) {
        if (exchange instanceof AuditedExchange audited) {
            audited.told = body.deepCopy();
        }
    }

    /** Notes that it failed in a way that nobody foresaw. */
    public static void panicked(Exchange exchange) {
        if (exchange instanceof AuditedExchange audited) {
            audited.record.panicked();
        }
    }

    /** The request is over. */
    public void complete() {
        byte[] bytes = sent;
        if (told == null && bytes != null && type.startsWith("application/json")) {
            // Status objects have a place of their own at every level.
            boolean status = code >= 400 || bytes.length < 4_096 && startsAsStatus(bytes);
            if ((status || record.wantsResponse()) && !record.tooLarge(bytes.length)) {
                told = parsed(bytes);
            }
        }
        record.response(code, told);
        record.complete(answered, code);
    }

    private static boolean startsAsStatus(byte[] bytes) {
        return new String(bytes, 0, Math.min(bytes.length, 64), java.nio.charset.StandardCharsets.US_ASCII)
                .contains("\"kind\":\"Status\"");
    }

    private static @Nullable JsonNode parsed(byte[] bytes) {
        try {
            return Json.mapper().readTree(bytes);
        } catch (IOException e) {
            return null;
        }
    }

    // ---- noting

    @Override
    public void setIdentity(Identity identity) {
        record.actAs(identity);
        exchange.setIdentity(identity);
    }

    @Override
    public Exchange status(int status) {
        code = status;
        Exchange _ = exchange.status(status);
        return this;
    }

    @Override
    public Exchange setHeader(String name, String value) {
        if (name.equalsIgnoreCase("Content-Type")) {
            type = value;
        }
        Exchange _ = exchange.setHeader(name, value);
        return this;
    }

    @Override
    public Exchange addHeader(String name, String value) {
        Exchange _ = exchange.addHeader(name, value);
        return this;
    }

    @Override
    public void send(byte[] body) throws IOException {
        sent = body;
        answered = true;
        exchange.send(body);
    }

    /** Of what is in parts nothing is an error, which would have to be noted in any case. */
    @Override
    public void send(List<byte[]> parts) throws IOException {
        long length = Exchange.length(parts);
        if (record.wantsResponse() && length <= Integer.MAX_VALUE && !record.tooLarge((int) length)) {
            sent = Exchange.joined(parts);
        }
        answered = true;
        exchange.send(parts);
    }

    @Override
    public void sendEmpty() throws IOException {
        answered = true;
        exchange.sendEmpty();
    }

    @Override
    public OutputStream stream() throws IOException {
        answered = true;
        record.started(code);
        return exchange.stream();
    }

    @Override
    public Optional<OutputStream> messages() throws IOException {
        Optional<OutputStream> messages = exchange.messages();
        if (messages.isPresent()) {
            answered = true;
            record.started(code);
        }
        return messages;
    }

    // ---- passing on

    @Override
    public String method() {
        return exchange.method();
    }

    @Override
    public String path() {
        return exchange.path();
    }

    @Override
    public String rawPath() {
        return exchange.rawPath();
    }

    @Override
    public Optional<String> query(String name) {
        return exchange.query(name);
    }

    @Override
    public Map<String, List<String>> queries() {
        return exchange.queries();
    }

    @Override
    public String rawQuery() {
        return exchange.rawQuery();
    }

    @Override
    public Optional<String> header(String name) {
        return exchange.header(name);
    }

    @Override
    public List<String> headers(String name) {
        return exchange.headers(name);
    }

    @Override
    public InputStream body() throws IOException {
        return exchange.body();
    }

    @Override
    public List<X509Certificate> clientCertificates() {
        return exchange.clientCertificates();
    }

    @Override
    public String remoteAddress() {
        return exchange.remoteAddress();
    }

    @Override
    public boolean secure() {
        return exchange.secure();
    }

    @Override
    public Identity identity() {
        return exchange.identity();
    }

    @Override
    public boolean committed() {
        return exchange.committed();
    }

    @Override
    public boolean open() {
        return exchange.open();
    }

    @Override
    public void onClose(Runnable action) {
        exchange.onClose(action);
    }
}
