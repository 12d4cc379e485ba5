package dev.coppice.control.audit;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import dev.coppice.control.webhook.ClientTls;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where a server is and how to show it who asks, as a kubeconfig's current context says. Safe for use by many threads.
 *
 * @param authorization the header's value; empty for none
 * @param tokenFile a token that is read for each call; null for none
 */
record Kubeconfig(
        URI uri,
        ClientTls tls,
        String authorization,
        @Nullable Path tokenFile) {
    private static final int MOST_BYTES = 1 << 20;

    /** The headers of a call. */
    Map<String, String> headers(String agent) throws IOException {
        Map<String, String> headers = new HashMap<>(Map.of("User-Agent", agent));
        if (tokenFile != null) {
            headers.put("Authorization", "Bearer " + Files.readString(tokenFile).strip());
        } else if (!authorization.isEmpty()) {
            headers.put("Authorization", authorization);
        }
        return headers;
    }

    /**
     * Reads one; relative names in it are beside it.
     *
     * @param problems gets all that is wrong
     * @return null when anything is
     */
    static @Nullable Kubeconfig read(String option, Path file, List<String> problems) {
        int before = problems.size();
        JsonNode tree = tree(option + ": " + file, file, problems);
        Reader reader = new Reader(option + ": " + file + ": ", file.toAbsolutePath(), problems);
        Kubeconfig made = tree == null ? null : reader.read(tree);
        return problems.size() > before ? null : made;
    }

    private static @Nullable JsonNode tree(String what, Path file, List<String> problems) {
        try {
            if (Files.size(file) > MOST_BYTES) {
                problems.add(what + " has more than " + MOST_BYTES + " bytes: expected a kubeconfig");
                return null;
            }
            JsonNode tree = new ObjectMapper(new YAMLFactory()).readTree(Files.readString(file));
            if (tree != null && tree.isObject()) {
                return tree;
            }
            problems.add(what + " is no object: expected a kubeconfig");
        } catch (JsonProcessingException e) {
            problems.add(what + " is no YAML: " + e.getOriginalMessage());
        } catch (IOException e) {
            problems.add(what + " cannot be read: " + e.getClass().getSimpleName() + ": " + e.getMessage());
        }
        return null;
    }

    private record Reader(String what, Path file, List<String> problems) {

        @Nullable
        Kubeconfig read(JsonNode tree) {
            String current = tree.path("current-context").asText("");
            JsonNode context =
                    named(tree, "contexts", current, "current-context").path("context");
            String clusterName = context.path("cluster").asText("");
            JsonNode cluster = named(tree, "clusters", clusterName, "the cluster of context " + current)
                    .path("cluster");
            String userName = context.path("user").asText("");
            JsonNode user = userName.isEmpty()
                    ? tree.path("")
                    : named(tree, "users", userName, "the user of context " + current)
                            .path("user");
            URI uri = uri(cluster.path("server").asText(""));
            if (cluster.path("insecure-skip-tls-verify").asBoolean()) {
                problems.add(what + "insecure-skip-tls-verify: true: expected certificate-authority or"
                        + " certificate-authority-data instead: the server is always verified");
            }
            for (String unknown : List.of("exec", "auth-provider")) {
                if (user.has(unknown)) {
                    problems.add(what + "users: " + unknown
                            + " is not supported: expected token, tokenFile, username with password, or client-certificate"
                            + " with client-key");
                }
            }
            String authority = pem(cluster, "certificate-authority");
            String certificate = pem(user, "client-certificate");
            String key = pem(user, "client-key");
            if ((certificate == null) != (key == null)) {
                problems.add(what + "users: expected client-certificate and client-key, or none of them");
            }
            try {
                ClientTls tls = ClientTls.of(null, authority, certificate, key);
                return new Kubeconfig(uri, tls, authorization(user), tokenFile(user));
            } catch (GeneralSecurityException | IOException | IllegalArgumentException e) {
                problems.add(what + "the certificates cannot be used: " + e.getMessage() + ": expected PEM, the key as"
                        + " PKCS #8 (BEGIN PRIVATE KEY)");
                return null;
            }
        }

        private JsonNode named(JsonNode tree, String list, String name, String from) {
            for (JsonNode each : tree.path(list)) {
                if (!name.isEmpty() && each.path("name").asText("").equals(name)) {
                    return each;
                }
            }
            problems.add(what + from + ": \"" + name + "\": expected a name among " + list);
            return tree.path("");
        }

        private URI uri(String text) {
            try {
                URI uri = URI.create(text);
                if ("https".equals(uri.getScheme()) && uri.getHost() != null) {
                    return uri;
                }
            } catch (IllegalArgumentException e) {
                // Told below.
            }
            problems.add(what + "server: \"" + text + "\": expected https://HOST[:PORT][/PATH]");
            return URI.create("https://none.invalid");
        }

        private @Nullable String pem(JsonNode tree, String field) {
            String data = tree.path(field + "-data").asText("");
            String name = tree.path(field).asText("");
            try {
                if (!data.isEmpty()) {
                    return new String(Base64.getMimeDecoder().decode(data), StandardCharsets.US_ASCII);
                }
                return name.isEmpty() ? null : Files.readString(file.resolveSibling(name));
            } catch (IllegalArgumentException e) {
                problems.add(what + field + "-data: is no base64");
            } catch (IOException e) {
                problems.add(what + field + ": " + name + " cannot be read: "
                        + e.getClass().getSimpleName());
            }
            return null;
        }

        private static String authorization(JsonNode user) {
            String token = user.path("token").asText("");
            if (!token.isEmpty()) {
                return "Bearer " + token;
            }
            String name = user.path("username").asText("");
            String both = name + ":" + user.path("password").asText("");
            return name.isEmpty()
                    ? ""
                    : "Basic " + Base64.getEncoder().encodeToString(both.getBytes(StandardCharsets.UTF_8));
        }

        private @Nullable Path tokenFile(JsonNode user) {
            String name = user.path("tokenFile").asText("");
            if (name.isEmpty() || user.path("token").isTextual()) {
                return null;
            }
            Path path = file.resolveSibling(name);
            if (!Files.isReadable(path)) {
                problems.add(what + "tokenFile: " + name + " cannot be read");
            }
            return path;
        }
    }
}
