package dev.coppice.gateway.authentication;

import dev.coppice.control.webhook.HttpsCall;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** An issuer that logs in whoever comes, as strict as the standards are: codes and refresh tokens are good once, and only with what belongs to them. */
public final class TestIssuer implements IssuerClient {
    public static final String CLIENT = "shop";
    public static final String SECRET = "a secret of 32 characters & more";

    /** A login that waits for its code to be shown. */
    private record Grant(Map<String, String> asked) {}

    private final LongSupplier seconds;
    private final TestKeys keys = new TestKeys();
    private final Map<String, Grant> codes = new HashMap<>();
    private final Map<String, Integer> refreshes = new HashMap<>();
    private int number;

    public final List<String> calls = new ArrayList<>();
    public String issuer = "https://id.example/realm";
    public boolean away;
    public boolean logout = true;
    /** In ID tokens, beside those that have to be there; each begins with a comma. */
    public String claims = ",\"groups\":[\"staff\"]";
    /** Instead of the right one. */
    public @Nullable String nonce;

    public String algorithm = "ES256";
    public String subject = "alice";
    public int expiresSeconds = 300;
    public boolean refreshing = true;
    public boolean idWithRefresh;
    /** What the UserInfo endpoint says. */
    public String userInfo = "{\"sub\":\"alice\",\"team\":\"red\",\"groups\":[\"more\"],\"phone\":\"1\"}";
    /** Whether ID tokens have a hash of the access token. */
    public boolean hashing;

    public TestIssuer(LongSupplier seconds) {
        this.seconds = seconds;
    }

    static Map<String, String> parameters(String query) {
        Map<String, String> all = new HashMap<>();
        for (String each : query.split("&")) {
            String[] pair = each.split("=", 2);
            String value = pair.length < 2 ? "" : URLDecoder.decode(pair[1], StandardCharsets.UTF_8);
            if (all.put(URLDecoder.decode(pair[0], StandardCharsets.UTF_8), value) != null) {
                throw new AssertionError(pair[0] + " is there twice: " + query);
            }
        }
        return all;
    }

    /** Somebody logs in at an address to which a browser was sent: the query with which the browser comes back. */
    public synchronized String login(String location) {
        Map<String, String> asked = parameters(location.substring(location.indexOf('?') + 1));
        if (!location.startsWith(issuer + "/authorize?")
                || !CLIENT.equals(asked.get("client_id"))
                || !"code".equals(asked.get("response_type"))
                || !"S256".equals(asked.get("code_challenge_method"))
                || !List.of(asked.getOrDefault("scope", "").split(" ")).contains("openid")) {
            throw new AssertionError("no request for a login: " + location);
        }
        String code = "code-" + number++;
        codes.put(code, new Grant(asked));
        return "code=" + code + "&state=" + asked.get("state");
    }

    @Override
    public synchronized HttpsCall.Answer send(
            String uri, Map<String, String> headers, byte @Nullable [] body, int largest) throws IOException {
        calls.add(uri.substring(issuer.length()));
        if (away) {
            throw new IOException("nobody there");
        }
        return switch (uri.substring(issuer.length())) {
            case "/.well-known/openid-configuration" -> answer(200, metadata());
            case "/keys" -> answer(200, keys.set());
            case "/userinfo" ->
                ("Bearer access-" + (number - 1)).equals(headers.get("Authorization"))
                        ? answer(200, userInfo)
                        : answer(401, "");
            case "/token" -> token(headers, new String(body == null ? new byte[0] : body, StandardCharsets.US_ASCII));
            default -> answer(404, "");
        };
    }

    private static HttpsCall.Answer answer(int status, String body) {
        return new HttpsCall.Answer(status, body.getBytes(StandardCharsets.UTF_8));
    }

    public String metadata() {
        return "{\"issuer\":\"" + issuer + "\",\"authorization_endpoint\":\"" + issuer
                + "/authorize\",\"token_endpoint\":\"" + issuer + "/token\",\"jwks_uri\":\"" + issuer + "/keys\""
                + ",\"userinfo_endpoint\":\"" + issuer + "/userinfo\""
                + (logout ? ",\"end_session_endpoint\":\"" + issuer + "/logout\"" : "") + "}";
    }

    private HttpsCall.Answer token(Map<String, String> headers, String body) {
        String pair = "shop:a+secret+of+32+characters+%26+more";
        String basic = "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8));
        Map<String, String> asked = parameters(body);
        boolean known = basic.equals(headers.get("Authorization"))
                || CLIENT.equals(asked.get("client_id")) && SECRET.equals(asked.get("client_secret"));
        if (!known || !"application/x-www-form-urlencoded".equals(headers.get("Content-Type"))) {
            return answer(401, "{\"error\":\"invalid_client\"}");
        }
        return switch (asked.getOrDefault("grant_type", "")) {
            case "authorization_code" -> code(asked);
            case "refresh_token" -> refresh(asked);
            case "client_credentials" ->
                answer(
                        200,
                        "{\"access_token\":\"machine-" + number++ + "\",\"token_type\":\"Bearer\",\"expires_in\":"
                                + expiresSeconds + "}");
            default -> answer(400, "{\"error\":\"unsupported_grant_type\"}");
        };
    }

    private HttpsCall.Answer code(Map<String, String> asked) {
        Grant grant = codes.remove(asked.get("code"));
        if (grant == null
                || !grant.asked.get("redirect_uri").equals(asked.get("redirect_uri"))
                || !grant.asked.get("code_challenge").equals(hash(asked.getOrDefault("code_verifier", "")))) {
            return answer(400, "{\"error\":\"invalid_grant\"}");
        }
        String given = nonce == null ? grant.asked.get("nonce") : nonce;
        return answer(200, tokens(true, ",\"nonce\":\"" + given + "\""));
    }

    private HttpsCall.Answer refresh(Map<String, String> asked) {
        return refreshes.remove(asked.get("refresh_token")) == null
                ? answer(400, "{\"error\":\"invalid_grant\"}")
                : answer(200, tokens(idWithRefresh, ""));
    }

    private String tokens(boolean id, String more) {
        String refresh = "refresh-" + number;
        String access = "access-" + number++;
        long now = seconds.getAsLong();
        String half = hashing ? ",\"at_hash\":\"" + encoded(Arrays.copyOf(sha256(access), 16)) + "\"" : "";
        String token = keys.token(
                algorithm,
                "{\"iss\":\"" + issuer + "\",\"aud\":\"" + CLIENT + "\",\"sub\":\"" + subject + "\",\"iat\":" + now
                        + ",\"exp\":" + (now + expiresSeconds) + more + half + claims + "}");
        if (refreshing) {
            refreshes.put(refresh, 1);
        }
        return "{\"access_token\":\"" + access + "\",\"token_type\":\"bearer\",\"expires_in\":" + expiresSeconds
                + (refreshing ? ",\"refresh_token\":\"" + refresh + "\"" : "")
                + (id ? ",\"id_token\":\"" + token + "\"" : "") + "}";
    }

    /** A logout token with such claims beside those that each has; the header is given, or usual. */
    public String logoutToken(String claims) {
        long now = seconds.getAsLong();
        return logoutToken(
                "{\"alg\":\"ES256\",\"kid\":\"ec\",\"typ\":\"logout+jwt\"}",
                "\"iss\":\"" + issuer + "\",\"aud\":\"" + CLIENT + "\",\"iat\":" + now + ",\"exp\":" + (now + 120)
                        + ",\"jti\":\"logout-" + number++
                        + "\",\"events\":{\"http://schemas.openid.net/event/backchannel-logout\":{}}" + claims);
    }

    public String logoutToken(String header, String claims) {
        return keys.token(header, "{" + claims + "}", "ES256");
    }

    private static String hash(String text) {
        return encoded(sha256(text));
    }

    private static String encoded(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }

    private static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.US_ASCII));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
