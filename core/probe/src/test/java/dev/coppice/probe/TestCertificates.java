package dev.coppice.probe;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;

/** Self-signed certificates, made by the JDK's keytool. */
final class TestCertificates {
    private final KeyStore store;

    private TestCertificates(KeyStore store) {
        this.store = store;
    }

    /** A certificate for localhost and 127.0.0.1; start and validity as keytool takes them. */
    static TestCertificates make(Path folder, String startDate, int days) throws Exception {
        var file = folder.resolve("keys-" + days + startDate.hashCode() + ".p12");
        var keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
        var process = new ProcessBuilder(
                        keytool,
                        "-genkeypair",
                        "-alias",
                        "server",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=localhost",
                        "-ext",
                        "SAN=dns:localhost,ip:127.0.0.1",
                        "-startdate",
                        startDate,
                        "-validity",
                        Integer.toString(days),
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        "secret",
                        "-keystore",
                        file.toString())
                .redirectErrorStream(true)
                .start();
        var output = new String(process.getInputStream().readAllBytes());
        if (process.waitFor() != 0) {
            throw new IOException(output);
        }
        var store = KeyStore.getInstance("PKCS12");
        try (var in = Files.newInputStream(file)) {
            store.load(in, "secret".toCharArray());
        }
        return new TestCertificates(store);
    }

    SSLContext context() throws Exception {
        var keys = KeyManagerFactory.getInstance("PKIX");
        keys.init(store, "secret".toCharArray());
        var context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        return context;
    }

    SSLServerSocket listen() throws Exception {
        return (SSLServerSocket)
                context().getServerSocketFactory().createServerSocket(0, 16, InetAddress.getLoopbackAddress());
    }

    String pem() throws Exception {
        return pem("CERTIFICATE", store.getCertificate("server").getEncoded());
    }

    String keyPem() throws Exception {
        return pem("PRIVATE KEY", store.getKey("server", "secret".toCharArray()).getEncoded());
    }

    private static String pem(String what, byte[] bytes) {
        return "-----BEGIN " + what + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes) + "\n-----END " + what + "-----\n";
    }
}
