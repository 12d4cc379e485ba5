package dev.coppice.distribution.membership;

import dev.coppice.kernel.Clock;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import javax.xml.stream.XMLInputFactory;
import javax.xml.stream.XMLStreamException;
import javax.xml.stream.XMLStreamReader;
import org.jspecify.annotations.Nullable;

/**
 * A bucket of S3, or of a store that speaks like it: each node keeps an empty object {@code PREFIX/NAME/HOST:PORT} there,
 * written anew at every look, and takes the others' that are not older than {@code stale} by the clock of the store. Whoever
 * may write there decides with whom nodes try to connect; only nodes of the cluster are accepted. The credentials need
 * {@code s3:ListBucket} and {@code s3:PutObject}.
 *
 * <p>The first thousand objects below the prefix are looked at. Nodes that are gone leave an object behind: let a lifecycle rule
 * of the bucket remove it.
 *
 * @param bucket where the bucket is, such as {@code https://nodes.s3.eu-west-1.amazonaws.com} or
 *     {@code http://minio:9000/nodes}
 * @param prefix without slashes at its ends; empty for none
 * @param name of this node
 * @param own where others reach it
 */
public record S3Strategy(
        Clock clock,
        AwsSignature signature,
        URI bucket,
        String prefix,
        String name,
        InetSocketAddress own,
        Duration stale)
        implements Strategy {
    private static final int TIMEOUT_MILLIS = 5_000;
    private static final int MAX_BYTES = 4 << 20;
    private static final int MAX_ERROR_BYTES = 2_000;
    private static final String KEY = "AWS_ACCESS_KEY_ID";
    private static final String SECRET = "AWS_SECRET_ACCESS_KEY";

    /**
     * With what the tools of AWS take from the environment: {@code AWS_ACCESS_KEY_ID}, {@code AWS_SECRET_ACCESS_KEY},
     * {@code AWS_SESSION_TOKEN}, {@code AWS_REGION}, {@code AWS_ENDPOINT_URL_S3} or {@code AWS_ENDPOINT_URL}.
     *
     * @param place {@code BUCKET} or {@code BUCKET/PREFIX}
     * @throws IllegalArgumentException when there are no credentials, or the place is none
     */
    static S3Strategy of(
            String place,
            Map<String, String> environment,
            Clock clock,
            String name,
            InetSocketAddress own,
            Duration stale) {
        String[] parts = place.split("/", 2);
        String bucket = parts[0];
        String prefix = parts.length < 2 ? "" : parts[1].replaceAll("^/+|/+$", "");
        if (!bucket.matches("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")) {
            throw new IllegalArgumentException("s3:" + place + ": \"" + bucket
                    + "\" is no name of a bucket: expected 3 to 63 small letters, digits, dots and hyphens");
        }
        String key = environment.getOrDefault(KEY, "");
        String secret = environment.getOrDefault(SECRET, "");
        if (key.isEmpty() || secret.isEmpty()) {
            throw new IllegalArgumentException("s3:" + place + ": no credentials; set " + KEY + " and " + SECRET
                    + " in the environment of the node");
        }
        String region =
                environment.getOrDefault("AWS_REGION", environment.getOrDefault("AWS_DEFAULT_REGION", "us-east-1"));
        String endpoint =
                environment.getOrDefault("AWS_ENDPOINT_URL_S3", environment.getOrDefault("AWS_ENDPOINT_URL", ""));
        URI where = endpoint.isEmpty()
                ? URI.create("https://" + bucket + ".s3." + region + ".amazonaws.com")
                : URI.create(endpoint.replaceAll("/+$", "") + "/" + bucket);
        AwsSignature signature = new AwsSignature(key, secret, environment.get("AWS_SESSION_TOKEN"), region);
        return new S3Strategy(clock, signature, where, prefix, name, own, stale);
    }

    /** Each look is two requests, which cost money. */
    @Override
    public Duration interval() {
        return Duration.ofSeconds(15);
    }

    @Override
    public Set<InetSocketAddress> discover() throws IOException {
        String below = prefix.isEmpty() ? "" : prefix + "/";
        StringBuilder path = new StringBuilder();
        for (String part : (below + name + "/" + Addresses.text(own)).split("/", -1)) {
            path.append('/').append(AwsSignature.encode(part));
        }
        Answer written = ask("PUT", path.toString(), "");
        String query = AwsSignature.query(new TreeMap<>(Map.of("list-type", "2", "max-keys", "1000", "prefix", below)));
        Answer listed = ask("GET", bucket.getRawPath().isEmpty() ? "/" : "", query);
        return addresses(listed.body, listed.at == null ? written.at : listed.at);
    }

    /** @param at by the store's clock; null when it does not tell */
    private record Answer(byte[] body, @Nullable Instant at) {}

    private Answer ask(String method, String path, String query) throws IOException {
        URI target = URI.create(bucket + path + (query.isEmpty() ? "" : "?" + query));
        HttpURLConnection connection = (HttpURLConnection) target.toURL().openConnection();
        try {
            connection.setRequestMethod(method);
            connection.setConnectTimeout(TIMEOUT_MILLIS);
            connection.setReadTimeout(TIMEOUT_MILLIS);
            connection.setInstanceFollowRedirects(false);
            signature.headers(method, target, clock.now()).forEach(connection::setRequestProperty);
            if (method.equals("PUT")) {
                connection.setDoOutput(true);
                connection.setFixedLengthStreamingMode(0);
                connection.getOutputStream().close();
            }
            int status = connection.getResponseCode();
            if (status != 200) {
                throw new IOException(method + " " + target + " answers " + status + ": expected 200; "
                        + told(connection.getErrorStream())
                        + " (the credentials need s3:ListBucket and s3:PutObject there)");
            }
            return new Answer(body(connection, target), time(connection.getHeaderField("Date")));
        } finally {
            connection.disconnect();
        }
    }

    private static byte[] body(HttpURLConnection connection, URI target) throws IOException {
        try (InputStream in = connection.getInputStream()) {
            byte[] body = in.readNBytes(MAX_BYTES + 1);
            if (body.length > MAX_BYTES) {
                throw new IOException(target + " answers more than " + MAX_BYTES + " bytes");
            }
            return body;
        }
    }

    private static String told(@Nullable InputStream error) throws IOException {
        return error == null
                ? "it does not say why"
                : new String(error.readNBytes(MAX_ERROR_BYTES), StandardCharsets.UTF_8)
                        .replaceAll("\\s+", " ")
                        .strip();
    }

    private static @Nullable Instant time(@Nullable String date) {
        try {
            return date == null
                    ? null
                    : ZonedDateTime.parse(date, DateTimeFormatter.RFC_1123_DATE_TIME)
                            .toInstant();
        } catch (DateTimeParseException e) {
            return null;
        }
    }

    /** Of a ListBucketResult, by the end of a key: {@code HOST:PORT}. */
    private Set<InetSocketAddress> addresses(byte[] list, @Nullable Instant told) throws IOException {
        Instant now = told == null ? clock.now() : told;
        XMLInputFactory factory = XMLInputFactory.newInstance();
        factory.setProperty(XMLInputFactory.SUPPORT_DTD, false);
        factory.setProperty(XMLInputFactory.IS_SUPPORTING_EXTERNAL_ENTITIES, false);
        Set<InetSocketAddress> found = new LinkedHashSet<>();
        String key = "";
        try {
            XMLStreamReader in = factory.createXMLStreamReader(new ByteArrayInputStream(list));
            while (in.hasNext()) {
                if (in.next() != XMLStreamReader.START_ELEMENT) {
                    continue;
                }
                if (in.getLocalName().equals("Key")) {
                    key = in.getElementText();
                } else if (in.getLocalName().equals("LastModified")
                        && Duration.between(Instant.parse(in.getElementText()), now)
                                        .compareTo(stale)
                                < 0) {
                    Addresses.parse(key.substring(key.lastIndexOf('/') + 1)).ifPresent(found::add);
                }
            }
            return found;
        } catch (XMLStreamException | DateTimeParseException e) {
            throw new IOException(bucket + " does not answer with a list of objects: " + e.getMessage(), e);
        }
    }
}
