package dev.coppice.bench.api;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Loads the resource API of a running node, and another Kubernetes API server beside it when one is named, and prints a result a
 * line. 32 requests are in flight, config maps of 600 bytes, HTTP/2 over TLS. CPU time and memory are those of the servers'
 * processes; heap is what {@code jcmd} tells after a collection.
 *
 * <p>{@code ApiLoad URL TOKEN PID [OBJECTS [WATCHERS [TYPES]]] [--rows ROW,...]}, and for the other one {@code --kubeconfig FILE} or
 * {@code --server URL} with {@code --token-file FILE}, or with {@code --certificate FILE --key FILE}; {@code --pids PID,...} and
 * {@code --name NAME}.
 */
public final class ApiLoad {
    private static final String OPTIONS =
            "--rows, --kubeconfig, --server, --token-file, --certificate, --key, --pids, --name";

    private final List<Integer> sizes = new ArrayList<>();
    private List<String> rows = ApiRows.NAMES;
    private String kubeconfig = "";
    private String server = "";
    private String tokenFile = "";
    private String certificate = "";
    private String key = "";
    private List<Long> pids = List.of();
    private String name = "peer";

    private ApiLoad() {}

    public static void main(String[] arguments) throws Exception {
        System.setProperty("jdk.internal.httpclient.disableHostnameVerification", "true");
        ApiLoad load = new ApiLoad();
        try {
            load.read(new ArrayDeque<>(Arrays.asList(arguments).subList(3, arguments.length)));
        } catch (IllegalArgumentException e) {
            System.err.println(e.getMessage());
            System.exit(2);
        }
        load.run(new LoadedServer(Access.withToken(arguments[0], arguments[1]), List.of(Long.parseLong(arguments[2]))));
        System.exit(0); // watchers may still hold connections
    }

    private void read(Deque<String> arguments) {
        while (!arguments.isEmpty()) {
            String next = arguments.remove();
            if (!next.startsWith("--")) {
                sizes.add(Integer.parseInt(next));
                continue;
            }
            String value = arguments.poll();
            if (value == null) {
                throw new IllegalArgumentException(next + ": expected a value after it");
            }
            switch (next) {
                case "--rows" -> rows = List.of(value.split(","));
                case "--kubeconfig" -> kubeconfig = value;
                case "--server" -> server = value.replaceAll("/+$", "");
                case "--token-file" -> tokenFile = value;
                case "--certificate" -> certificate = value;
                case "--key" -> key = value;
                case "--pids" ->
                    pids = Arrays.stream(value.split(",")).map(Long::valueOf).toList();
                case "--name" -> name = value;
                default -> throw new IllegalArgumentException("\"" + next + "\": expected one of " + OPTIONS);
            }
        }
        for (String row : rows) {
            if (!ApiRows.NAMES.contains(row)) {
                throw new IllegalArgumentException("--rows: \"" + row + "\": expected some of " + ApiRows.NAMES);
            }
        }
    }

    private @Nullable LoadedServer peer() throws Exception {
        if (!kubeconfig.isEmpty()) {
            return new LoadedServer(Access.ofKubeconfig(Path.of(kubeconfig), server), pids);
        }
        if (server.isEmpty()) {
            return null;
        }
        return new LoadedServer(
                certificate.isEmpty()
                        ? Access.withToken(server, tokenFile.isEmpty() ? "" : text(tokenFile))
                        : Access.withCertificate(server, text(certificate), text(key)),
                pids);
    }

    private static String text(String file) throws IOException {
        return Files.readString(Path.of(file)).strip();
    }

    private int size(int which, int otherwise) {
        return sizes.size() > which ? sizes.get(which) : otherwise;
    }

    /** Row after row, each first with Coppice and then with the other server. */
    private void run(LoadedServer coppice) throws Exception {
        LoadedServer other = peer();
        String run = Long.toString(System.currentTimeMillis(), 36);
        ApiRows ours = rows(coppice, true, run);
        ApiRows theirs = other == null ? null : rows(other, false, run);
        for (String row : ApiRows.NAMES) {
            boolean needed = row.equals("creates") && !rows.equals(List.of("types"));
            if (!rows.contains(row) && !needed) {
                continue;
            }
            List<Figure> figures = ours.run(row);
            List<Figure> peers = theirs == null ? List.of() : theirs.run(row);
            for (Figure figure : figures) {
                Figure beside = peers.stream()
                        .filter(each -> each.name().equals(figure.name()))
                        .findFirst()
                        .orElse(null);
                System.out.println(figure.line(beside, name));
            }
        }
    }

    private ApiRows rows(LoadedServer server, boolean jvm, String run) {
        return new ApiRows(server, jvm, run, size(0, 10_000), size(1, 1_000), size(2, 100));
    }
}
