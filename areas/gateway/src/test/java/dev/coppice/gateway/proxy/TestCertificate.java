package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.TlsConfig;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.Key;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;

/** A certificate that signs itself, for a DNS name; made by the JDK's keytool. */
record TestCertificate(KeyStore store, String chain, String key) {
    private static final char[] PASSWORD = "secret".toCharArray();

    static TestCertificate of(Path directory, String name) throws Exception {
        Path file = directory.resolve(name.replace('*', '_') + ".p12");
        Process keytool = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "keytool")
                                .toString(),
                        "-genkeypair",
                        "-alias",
                        "it",
                        "-keyalg",
                        "EC",
                        "-dname",
                        "CN=" + name.replace("*", "any"),
                        "-ext",
                        "san=dns:" + name,
                        "-ext",
                        "bc=ca:true",
                        "-validity",
                        "10",
                        "-storetype",
                        "PKCS12",
                        "-storepass",
                        new String(PASSWORD),
                        "-keystore",
                        file.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (keytool.waitFor() != 0) {
            throw new IllegalStateException(output);
        }
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            store.load(in, PASSWORD);
        }
        Key key = store.getKey("it", PASSWORD);
        return new TestCertificate(
                store,
                pem("CERTIFICATE", store.getCertificate("it").getEncoded()),
                pem("PRIVATE KEY", key.getEncoded()));
    }

    private static String pem(String type, byte[] der) {
        return "-----BEGIN " + type + "-----\n"
                + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der) + "\n-----END " + type + "-----\n";
    }

    TlsConfig config() {
        return new TlsConfig(List.of(new TlsConfig.Certificate(chain, key)), null);
    }

    char[] password() {
        return PASSWORD;
    }
}
