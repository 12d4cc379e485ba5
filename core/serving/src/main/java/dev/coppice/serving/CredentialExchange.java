package dev.coppice.serving;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A request as if it had come with a bearer token and nothing else: what an {@link Authenticator} is asked about. */
record CredentialExchange(Exchange original, String token) implements Exchange {
    @Override
    public String method() {
        return "GET";
    }

    @Override
    public String path() {
        return original.path();
    }

    @Override
    public String rawPath() {
        return original.rawPath();
    }

    @Override
    public Optional<String> query(String name) {
        return Optional.empty();
    }

    @Override
    public Map<String, List<String>> queries() {
        return Map.of();
    }

    @Override
    public String rawQuery() {
        return "";
    }

    @Override
    public Optional<String> header(String name) {
        return name.equalsIgnoreCase("Authorization") ? Optional.of("Bearer " + token) : Optional.empty();
    }

    @Override
    public List<String> headers(String name) {
        return header(name).map(List::of).orElse(List.of());
    }

    @Override
    public InputStream body() {
        return InputStream.nullInputStream();
    }

    @Override
    public List<X509Certificate> clientCertificates() {
        return List.of();
    }

    @Override
    public String remoteAddress() {
        return original.remoteAddress();
    }

    @Override
    public boolean secure() {
        return original.secure();
    }

    @Override
    public Identity identity() {
        return Identity.ANONYMOUS;
    }

    @Override
    public void setIdentity(Identity identity) {}

    @Override
    public Exchange status(int status) {
        throw new UnsupportedOperationException("an authenticator does not answer");
    }

    @Override
    public Exchange setHeader(String name, String value) {
        return this;
    }

    @Override
    public Exchange addHeader(String name, String value) {
        return this;
    }

    @Override
    public void send(byte[] body) throws IOException {
        throw new UnsupportedOperationException("an authenticator does not answer");
    }

    @Override
    public void sendEmpty() throws IOException {
        throw new UnsupportedOperationException("an authenticator does not answer");
    }

    @Override
    public OutputStream stream() throws IOException {
        throw new UnsupportedOperationException("an authenticator does not answer");
    }

    @Override
    public boolean committed() {
        return false;
    }

    /** Keeps the token out of logs. */
    @Override
    public String toString() {
        return "CredentialExchange";
    }
}
