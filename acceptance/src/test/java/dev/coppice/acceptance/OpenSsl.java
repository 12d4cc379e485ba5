package dev.coppice.acceptance;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** Certificates as users make them, with openssl, in one folder: {@code NAME.crt} and {@code NAME.key}. */
record OpenSsl(Path folder) {

    private static final Duration LIMIT = Duration.ofSeconds(60);

    Path certificate(String name) {
        return folder.resolve(name + ".crt");
    }

    Path key(String name) {
        return folder.resolve(name + ".key");
    }

    private static void run(String... arguments) throws IOException, InterruptedException {
        List<String> command = new java.util.ArrayList<>(List.of("openssl"));
        command.addAll(List.of(arguments));
        Shell.Outcome _ = Shell.run(LIMIT, java.util.Map.of(), null, command).succeeds();
    }

    /** A certificate that signs others. */
    void authority(String name) throws IOException, InterruptedException {
        run(
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=" + name,
                "-keyout",
                key(name).toString(),
                "-out",
                certificate(name).toString());
    }

    /**
     * A certificate for both ends of a connection.
     *
     * @param authority who signs it
     * @param names as OpenSSL writes them, such as {@code IP:127.0.0.1,DNS:localhost}
     */
    void signed(String authority, String name, String names) throws IOException, InterruptedException {
        Path extensions = Files.writeString(folder.resolve(name + ".ext"), "subjectAltName=" + names + "\n");
        Path request = folder.resolve(name + ".csr");
        run(
                "req",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-subj",
                "/CN=" + name,
                "-keyout",
                key(name).toString(),
                "-out",
                request.toString());
        run(
                "x509",
                "-req",
                "-days",
                "2",
                "-in",
                request.toString(),
                "-CA",
                certificate(authority).toString(),
                "-CAkey",
                key(authority).toString(),
                "-CAcreateserial",
                "-extfile",
                extensions.toString(),
                "-out",
                certificate(name).toString());
    }
}
