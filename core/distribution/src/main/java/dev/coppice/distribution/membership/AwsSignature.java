package dev.coppice.distribution.membership;

import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Signs requests without a body for S3, by AWS Signature Version 4 (AWS General Reference, "Signing AWS API requests"; what S3
 * does differently: a path is encoded once).
 *
 * @param session of credentials that end; null for those that do not
 */
record AwsSignature(
        String accessKey, String secretKey, @Nullable String session, String region) {

    private static final String ALGORITHM = "AWS4-HMAC-SHA256";
    private static final String SERVICE = "s3";
    private static final String HMAC = "HmacSHA256";
    private static final String EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    private static final DateTimeFormatter DAY =
            DateTimeFormatter.ofPattern("yyyyMMdd").withZone(ZoneOffset.UTC);
    private static final DateTimeFormatter SECOND =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'").withZone(ZoneOffset.UTC);

    /** A part of a path, or of a query, as it is sent and signed. */
    static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8)
                .replace("+", "%20")
                .replace("*", "%2A")
                .replace("%7E", "~");
    }

    static String query(SortedMap<String, String> parameters) {
        return parameters.entrySet().stream()
                .map(each -> encode(each.getKey()) + "=" + encode(each.getValue()))
                .collect(Collectors.joining("&"));
    }

    /**
     * The headers to send.
     *
     * @param target its path and query made with {@link #encode} and {@link #query}
     */
    Map<String, String> headers(String method, URI target, Instant now) {
        SortedMap<String, String> signed = new TreeMap<>();
        signed.put("host", target.getRawAuthority());
        signed.put("x-amz-content-sha256", EMPTY_SHA256);
        signed.put("x-amz-date", SECOND.format(now));
        if (session != null) {
            signed.put("x-amz-security-token", session);
        }
        String names = String.join(";", signed.keySet());
        String query = target.getRawQuery() == null ? "" : target.getRawQuery();
        String path = target.getRawPath().isEmpty() ? "/" : target.getRawPath();
        String headers = signed.entrySet().stream()
                .map(each -> each.getKey() + ":" + each.getValue() + "\n")
                .collect(Collectors.joining());
        String request = String.join("\n", method, path, query, headers, names, EMPTY_SHA256);
        String scope = DAY.format(now) + "/" + region + "/" + SERVICE + "/aws4_request";
        String text = String.join("\n", ALGORITHM, SECOND.format(now), scope, hex(sha256(request)));
        signed.put(
                "Authorization",
                ALGORITHM + " Credential=" + accessKey + "/" + scope + ",SignedHeaders=" + names + ",Signature="
                        + hex(hmac(key(now), text)));
        // The connection sends it by itself.
        signed.remove("host");
        return signed;
    }

    private byte[] key(Instant now) {
        byte[] day = hmac(("AWS4" + secretKey).getBytes(StandardCharsets.UTF_8), DAY.format(now));
        return hmac(hmac(hmac(day, region), SERVICE), "aws4_request");
    }

    private static byte[] hmac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance(HMAC);
            mac.init(new SecretKeySpec(key, HMAC));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JVM has HMAC-SHA-256", e);
        }
    }

    private static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JVM has SHA-256", e);
        }
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }

    /** Without what is secret. */
    @Override
    public String toString() {
        return "AwsSignature[" + accessKey + ", " + region + "]";
    }
}
