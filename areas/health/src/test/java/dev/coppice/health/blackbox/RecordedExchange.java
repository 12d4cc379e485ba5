package dev.coppice.health.blackbox;

import dev.coppice.serving.Exchange;
import dev.coppice.serving.Identity;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** A GET of /probe that keeps its answer. */
final class RecordedExchange implements Exchange {
    private final Map<String, String> query;
    private final Map<String, String> headers = new HashMap<>();
    private int status = 200;
    private String body = "";

    RecordedExchange(Map<String, String> query) {
        this.query = query;
    }

    int status() {
        return status;
    }

    /** What was answered. */
    String text() {
        return body;
    }

    @Override
    public String method() {
        return "GET";
    }

    @Override
    public String path() {
        return "/probe";
    }

    @Override
    public String rawPath() {
        return "/probe";
    }

    @Override
    public Optional<String> query(String name) {
        return Optional.ofNullable(query.get(name));
    }

    @Override
    public Map<String, List<String>> queries() {
        return query.entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, e -> List.of(e.getValue())));
    }

    @Override
    public String rawQuery() {
        return "";
    }

    @Override
    public Optional<String> header(String name) {
        return Optional.empty();
    }

    @Override
    public List<String> headers(String name) {
        return List.of();
    }

    @Override
    public InputStream body() {
        return new ByteArrayInputStream(new byte[0]);
    }

    @Override
    public List<X509Certificate> clientCertificates() {
        return List.of();
    }

    @Override
    public String remoteAddress() {
        return "127.0.0.1";
    }

    @Override
    public boolean secure() {
        return false;
    }

    @Override
    public Identity identity() {
        return Identity.ANONYMOUS;
    }

    @Override
    public void setIdentity(Identity identity) {}

    @Override
    public Exchange status(int status) {
        this.status = status;
        return this;
    }

    @Override
    public Exchange setHeader(String name, String value) {
        headers.put(name, value);
        return this;
    }

    @Override
    public Exchange addHeader(String name, String value) {
        return setHeader(name, value);
    }

    @Override
    public void send(byte[] body) {
        this.body = new String(body, StandardCharsets.UTF_8);
    }

    @Override
    public void sendEmpty() {}

    @Override
    public OutputStream stream() {
        return OutputStream.nullOutputStream();
    }

    @Override
    public boolean committed() {
        return !body.isEmpty();
    }
}
