package dev.coppice.serving;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** A relayed request and the answer to it, both in memory. Anonymous: who asked was not authenticated by this node. */
final class RelayedExchange implements Exchange {
    private final RelayedRequest request;
    private final RequestTarget target;
    private final Map<String, List<String>> answerHeaders = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    private final ByteArrayOutputStream answer = new ByteArrayOutputStream();
    private Identity identity = Identity.ANONYMOUS;
    private int status = 200;
    private boolean committed;

    RelayedExchange(RelayedRequest request) throws RequestTarget.MalformedException {
        this.request = request;
        this.target = RequestTarget.parse(request.target());
    }

    RelayedRequest.Answer answer() {
        Map<String, List<String>> headers = new TreeMap<>();
        answerHeaders.forEach((name, values) -> headers.put(name, List.copyOf(values)));
        return new RelayedRequest.Answer(status, headers, answer.toByteArray());
    }

    @Override
    public String method() {
        return request.method();
    }

    @Override
    public String path() {
        return target.path();
    }

    @Override
    public String rawPath() {
        return target.rawPath();
    }

    @Override
    public Optional<String> query(String name) {
        return Optional.ofNullable(queries().get(name)).map(List::getFirst);
    }

    @Override
    public Map<String, List<String>> queries() {
        return target.queries();
    }

    @Override
    public String rawQuery() {
        return target.rawQuery();
    }

    @Override
    public Optional<String> header(String name) {
        return headers(name).stream().findFirst();
    }

    @Override
    public List<String> headers(String name) {
        return request.headers().getOrDefault(name.toLowerCase(Locale.ROOT), List.of());
    }

    @Override
    public InputStream body() {
        return new ByteArrayInputStream(request.body());
    }

    @Override
    public List<X509Certificate> clientCertificates() {
        return List.of();
    }

    @Override
    public String remoteAddress() {
        return request.remoteAddress();
    }

    @Override
    public boolean secure() {
        return false;
    }

    @Override
    public Identity identity() {
        return identity;
    }

    @Override
    public void setIdentity(Identity identity) {
        this.identity = identity;
    }

    @Override
    public Exchange status(int status) {
        this.status = status;
        return this;
    }

    @Override
    public Exchange setHeader(String name, String value) {
        answerHeaders.put(name, new ArrayList<>(List.of(value)));
        return this;
    }

    @Override
    public Exchange addHeader(String name, String value) {
        answerHeaders.computeIfAbsent(name, _ -> new ArrayList<>()).add(value);
        return this;
    }

    @Override
    public void send(byte[] body) throws IOException {
        committed = true;
        answer.write(body);
    }

    @Override
    public void sendEmpty() {
        committed = true;
    }

    @Override
    public OutputStream stream() {
        committed = true;
        return answer;
    }

    @Override
    public boolean committed() {
        return committed;
    }
}
