package dev.coppice.operator;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.fabric8.kubernetes.client.Config;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which cluster is meant, and who one is there: a context of a kubeconfig, or the service account of the Pod that this process
 * runs in. Immutable.
 *
 * @param origin where that was found, for people
 * @param namespace of the context, or of the Pod; {@code default} when they name none
 */
public record ClusterAccess(Config config, String origin, String namespace) {
    private static final int LARGEST_BYTES = 1 << 20;
    private static final ObjectMapper YAML = new ObjectMapper(new YAMLFactory());
    private static final Path SERVICE_ACCOUNT = Path.of("/var/run/secrets/kubernetes.io/serviceaccount");

    /** The API server's address. */
    public String server() {
        String url = config.getMasterUrl();
        return url.endsWith("/") ? url.substring(0, url.length() - 1) : url;
    }

    /**
     * Finds it where kubectl does: the given file; else those named by {@code KUBECONFIG}, of which the first that is there counts;
     * else the Pod's service account; else {@code ~/.kube/config}.
     *
     * @param kubeconfig null when none was given
     * @param context null for the current one
     */
    public static ClusterAccess find(
            @Nullable Path kubeconfig, @Nullable String context, Map<String, String> environment)
            throws InvalidKubeconfigException {
        if (kubeconfig != null) {
            return read(kubeconfig, context);
        }
        List<String> looked = new ArrayList<>();
        String named = environment.getOrDefault("KUBECONFIG", "");
        for (String each : named.split(File.pathSeparator, 64)) {
            if (!each.isBlank() && Files.exists(Path.of(each))) {
                return read(Path.of(each), context);
            }
        }
        looked.add(named.isBlank() ? "$KUBECONFIG (not set)" : "$KUBECONFIG (" + named + ")");
        if (named.isBlank() && Files.exists(SERVICE_ACCOUNT.resolve("token"))) {
            return ofPod(environment);
        }
        looked.add("the service account of a Pod (" + SERVICE_ACCOUNT + ")");
        Path home = Path.of(System.getProperty("user.home"), ".kube", "config");
        if (named.isBlank() && Files.exists(home)) {
            return read(home, context);
        }
        looked.add(home.toString());
        throw new InvalidKubeconfigException(List.of("no kubeconfig found. Looked at " + String.join(", ", looked)
                + ". Name one with --kubeconfig FILE; for a Coppice node it is DATA/kubeconfig"));
    }

    private static ClusterAccess ofPod(Map<String, String> environment) throws InvalidKubeconfigException {
        String host = environment.getOrDefault("KUBERNETES_SERVICE_HOST", "");
        if (host.isEmpty()) {
            throw new InvalidKubeconfigException(List.of("there is a service account in " + SERVICE_ACCOUNT
                    + ", but $KUBERNETES_SERVICE_HOST is not set: expected in a Pod; else name a --kubeconfig"));
        }
        Config config = settled(Config.autoConfigure(null));
        String namespace = config.getNamespace();
        return new ClusterAccess(config, "the service account of this Pod", namespace == null ? "default" : namespace);
    }

    private static ClusterAccess read(Path file, @Nullable String context) throws InvalidKubeconfigException {
        String text;
        JsonNode tree;
        try {
            if (Files.size(file) > LARGEST_BYTES) {
                throw new IOException("it has more than " + LARGEST_BYTES + " bytes");
            }
            text = Files.readString(file);
            tree = YAML.readTree(text);
        } catch (IOException e) {
            String why = e instanceof java.nio.file.NoSuchFileException ? "there is no such file" : e.getMessage();
            throw new InvalidKubeconfigException(List.of("--kubeconfig " + file + " cannot be read: " + why));
        }
        String wanted = context == null ? tree.path("current-context").asText("") : context;
        List<String> problems = problems(file, tree, wanted, context != null);
        if (!problems.isEmpty()) {
            throw new InvalidKubeconfigException(problems);
        }
        try {
            Config config = settled(Config.fromKubeconfig(wanted, file.toFile()));
            String namespace = named(tree, "contexts", wanted)
                    .path("context")
                    .path("namespace")
                    .asText("");
            return new ClusterAccess(
                    config, "context \"" + wanted + "\" of " + file, namespace.isEmpty() ? "default" : namespace);
        } catch (RuntimeException e) {
            throw new InvalidKubeconfigException(
                    List.of("--kubeconfig " + file + ", context \"" + wanted + "\": " + e.getMessage()));
        }
    }

    /** fabric8 takes what is missing for a default; a user would then wait for a host that does not exist. */
    private static List<String> problems(Path file, JsonNode tree, String wanted, boolean asked) {
        List<String> problems = new ArrayList<>();
        if (wanted.isEmpty()) {
            problems.add(file + " has no current-context: set one, or name one of " + names(tree) + " with --context");
            return problems;
        }
        JsonNode context = named(tree, "contexts", wanted).path("context");
        if (context.isMissingNode()) {
            problems.add((asked ? "--context \"" : "current-context \"") + wanted + "\": " + file
                    + " has no such context; it has " + names(tree));
            return problems;
        }
        String cluster = context.path("cluster").asText("");
        JsonNode found = named(tree, "clusters", cluster).path("cluster");
        if (found.path("server").asText("").isEmpty()) {
            problems.add(file + ": context \"" + wanted + "\" names the cluster \"" + cluster
                    + "\": expected an entry of clusters with a server");
        }
        String user = context.path("user").asText("");
        if (!user.isEmpty() && named(tree, "users", user).isMissingNode()) {
            problems.add(file + ": context \"" + wanted + "\" names the user \"" + user
                    + "\": expected an entry of users with that name");
        }
        return problems;
    }

    private static JsonNode named(JsonNode tree, String list, String name) {
        for (JsonNode each : tree.path(list)) {
            if (each.path("name").asText("").equals(name)) {
                return each;
            }
        }
        return tree.path("-");
    }

    private static String names(JsonNode tree) {
        List<String> names = new ArrayList<>();
        tree.path("contexts").forEach(each -> names.add("\"" + each.path("name").asText() + "\""));
        return names.isEmpty() ? "no contexts" : String.join(", ", names);
    }

    /**
     * Retries are the controller runtime's, where they are bounded and counted. Over HTTP/1.1 a connection that went dead is
     * left with the request that waited for it; over HTTP/2 the JDK's client would go on using it.
     */
    private static Config settled(Config config) {
        config.setRequestRetryBackoffLimit(0);
        config.setHttp2Disable(true);
        config.setConnectionTimeout(10_000);
        config.setUserAgent("coppice-operator");
        return config;
    }
}
