package dev.coppice.serving;

import java.io.ByteArrayInputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Certificates and keys as PEM (RFC 7468). Keys are of elliptic curves or RSA. */
public final class Pem {
    private static final Pattern KEY =
            Pattern.compile("-----BEGIN (RSA |EC |)PRIVATE KEY-----([A-Za-z0-9+/=\\s]+)-----END \\1PRIVATE KEY-----");

    /** rsaEncryption, with no parameters. */
    private static final byte[] RSA = HexFormat.of().parseHex("300d06092a864886f70d0101010500");

    /** id-ecPublicKey; the curve follows. */
    private static final byte[] EC = HexFormat.of().parseHex("06072a8648ce3d0201");

    private Pem() {}

    public static String encode(X509Certificate certificate) {
        try {
            return encode("CERTIFICATE", certificate.getEncoded());
        } catch (CertificateException e) {
            throw new IllegalArgumentException(e);
        }
    }

    public static String encode(List<X509Certificate> chain) {
        StringBuilder out = new StringBuilder();
        chain.forEach(certificate -> out.append(encode(certificate)));
        return out.toString();
    }

    public static String encode(PrivateKey key) {
        return encode("PRIVATE KEY", key.getEncoded());
    }

    private static String encode(String label, byte[] der) {
        Base64.Encoder encoder = Base64.getMimeEncoder(64, new byte[] {'\n'});
        return "-----BEGIN " + label + "-----\n" + encoder.encodeToString(der) + "\n-----END " + label + "-----\n";
    }

    /** All certificates in the text, in order. */
    public static List<X509Certificate> certificates(String pem) throws CertificateException {
        List<X509Certificate> result = new ArrayList<>();
        CertificateFactory.getInstance("X.509")
                .generateCertificates(new ByteArrayInputStream(pem.getBytes(StandardCharsets.US_ASCII)))
                .forEach(certificate -> result.add((X509Certificate) certificate));
        if (result.isEmpty()) {
            throw new CertificateException("there is no certificate in it");
        }
        return List.copyOf(result);
    }

    /** The first private key in the text: PKCS #8, or as OpenSSL wrote keys before (RFC 8017 for RSA, RFC 5915 for curves). */
    public static PrivateKey privateKey(String pem) throws GeneralSecurityException {
        Matcher found = KEY.matcher(pem);
        if (!found.find()) {
            throw new GeneralSecurityException(
                    "there is no private key in it that is not encrypted (\"-----BEGIN PRIVATE KEY-----\")");
        }
        byte[] der;
        try {
            der = Base64.getMimeDecoder().decode(found.group(2));
        } catch (IllegalArgumentException e) {
            throw new GeneralSecurityException("its private key is no Base64", e);
        }
        return switch (found.group(1)) {
            case "RSA " -> KeyFactory.getInstance("RSA").generatePrivate(wrapped(RSA, der));
            case "EC " -> KeyFactory.getInstance("EC").generatePrivate(wrapped(curve(der), der));
            default -> pkcs8(new PKCS8EncodedKeySpec(der));
        };
    }

    private static PrivateKey pkcs8(PKCS8EncodedKeySpec spec) throws GeneralSecurityException {
        try {
            return KeyFactory.getInstance("EC").generatePrivate(spec);
        } catch (GeneralSecurityException notEllipticCurve) {
            return KeyFactory.getInstance("RSA").generatePrivate(spec);
        }
    }

    /** PKCS #8 around a key of an older format (RFC 5208, 5). */
    private static PKCS8EncodedKeySpec wrapped(byte[] algorithm, byte[] key) {
        byte[] version = {0x02, 0x01, 0x00};
        return new PKCS8EncodedKeySpec(element(0x30, version, algorithm, element(0x04, key)));
    }

    /** The algorithm of an elliptic curve's key, whose curve is its parameter [0]. */
    private static byte[] curve(byte[] key) throws GeneralSecurityException {
        ByteBuffer in = ByteBuffer.wrap(key);
        try {
            int _ = length(in, 0x30);
            skip(in, 0x02);
            skip(in, 0x04);
            byte[] oid = new byte[length(in, 0xA0)];
            in.get(oid);
            return element(0x30, EC, oid);
        } catch (BufferUnderflowException | IllegalArgumentException e) {
            throw new GeneralSecurityException("its elliptic curve's key does not name the curve", e);
        }
    }

    private static void skip(ByteBuffer in, int tag) throws GeneralSecurityException {
        int length = length(in, tag);
        in.position(in.position() + length);
    }

    private static int length(ByteBuffer in, int tag) throws GeneralSecurityException {
        if ((in.get() & 0xFF) != tag) {
            throw new GeneralSecurityException("its private key is malformed");
        }
        int first = in.get() & 0xFF;
        int length = first;
        if (first >= 0x80) {
            length = 0;
            for (int i = first & 0x7F; i > 0; i--) {
                length = length << 8 | in.get() & 0xFF;
            }
        }
        if (length < 0 || length > in.remaining()) {
            throw new GeneralSecurityException("its private key is cut off");
        }
        return length;
    }

    /** An element of DER (X.690, 8.1). */
    private static byte[] element(int tag, byte[]... parts) {
        int length = 0;
        for (byte[] each : parts) {
            length += each.length;
        }
        ByteBuffer out = ByteBuffer.allocate(length + 6).put((byte) tag);
        if (length < 0x80) {
            out.put((byte) length);
        } else {
            out.put((byte) 0x83).put((byte) (length >> 16)).putShort((short) length);
        }
        for (byte[] each : parts) {
            out.put(each);
        }
        return Arrays.copyOf(out.array(), out.position());
    }
}
