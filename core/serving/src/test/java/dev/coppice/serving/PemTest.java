package dev.coppice.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.GeneralSecurityException;
import java.security.interfaces.ECPrivateKey;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Keys as OpenSSL writes them; made for this test only. */
class PemTest {
    private static final String CURVE = """
            -----BEGIN EC PRIVATE KEY-----
            MHcCAQEEIJzaihQ+Wr9f46eq0yt+UDTG0JGYiOZQRPEF8nskVbbsoAoGCCqGSM49
            AwEHoUQDQgAEd/icA3XoDLzzsxdFcL0e7yPpe+gTocHvC34Z7JyOhEGWhZKPegIq
            l3XaTQJBfOaXhqrC1Y3M8uLxYyek6Cgzpg==
            -----END EC PRIVATE KEY-----
            """;
    private static final String CURVE_PKCS8 = """
            -----BEGIN PRIVATE KEY-----
            MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgnNqKFD5av1/jp6rT
            K35QNMbQkZiI5lBE8QXyeyRVtuyhRANCAAR3+JwDdegMvPOzF0VwvR7vI+l76BOh
            we8LfhnsnI6EQZaFko96AiqXddpNAkF85peGqsLVjczy4vFjJ6ToKDOm
            -----END PRIVATE KEY-----
            """;
    private static final String RSA = """
            -----BEGIN RSA PRIVATE KEY-----
            MIICXQIBAAKBgQDduzajCMBH0A8qBgpMDHBW8gnlXZFtisq4fg3QCUBb13fwHqq5
            i4S4gRf5nPCXqBuegbkfCMenbpgiEI7PRQFB1XzEPcw41X05Fbr5YoajtNba0c3Q
            epw7CxRBxjOHyYJh8N+KxcdSHNQJHmLPs4NppIqJGsrqVV2P2t0fMsgzYwIDAQAB
            AoGBANzjjGKObT8dPn4W1ls8aQ20wbcFp8MA6UMyEICXNs5HsOw9IMcG/ojv0fqR
            Jf1vM1SM1ubb0Eo0GsqUxDAoBj68Uw3eRWcdfMbJPL+c0mNqcDlFb+Tnmc2cEQeZ
            002VRyBEBsFOLh/KcuE3j/zYTAyCv/9bLaZV0BJhEXAm505BAkEA+McOLrtKfR69
            qGGxnCxUed6jKHH1dRKqXkjrgdff/NkmKcDYYasTdAW+kgM0Be3dmnX7WbQqrL8Z
            9c2P49BynQJBAOQrJaHT1cWserakwAlJJl6PDhNpbdRDHzkEigOiDJW3S9uLdm0V
            gimganDTt8B++V0wjsbnYEC7acAn/cGfXf8CQQDIXgpeORrVi1zVsVmLn2iqf1aJ
            zL8Ve+Mb7T9BZM1SqNLD7j5Y66DPYZELqOjNnbdOIJhAt4tndsNB5j5uDgVBAkAf
            SruSghbjUVBTFC0yGNImTcBEcUUaw0nY7AJxlRvcvJKuvWW0eCqtws5WQvMEd2WD
            nlE2fiz5M7rBG7r1fwHJAkBRoZMTb5KfOzr+5UcPS5My1Y63jn06UzoM7YUGT93E
            01k4uLLLe3NncQs8WsoqUu/jfkng3KymboDKkm4F9w1V
            -----END RSA PRIVATE KEY-----
            """;
    private static final String RSA_PKCS8 = """
            -----BEGIN PRIVATE KEY-----
            MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAN27NqMIwEfQDyoG
            CkwMcFbyCeVdkW2Kyrh+DdAJQFvXd/AeqrmLhLiBF/mc8JeoG56BuR8Ix6dumCIQ
            js9FAUHVfMQ9zDjVfTkVuvlihqO01trRzdB6nDsLFEHGM4fJgmHw34rFx1Ic1Ake
            Ys+zg2mkiokayupVXY/a3R8yyDNjAgMBAAECgYEA3OOMYo5tPx0+fhbWWzxpDbTB
            twWnwwDpQzIQgJc2zkew7D0gxwb+iO/R+pEl/W8zVIzW5tvQSjQaypTEMCgGPrxT
            Dd5FZx18xsk8v5zSY2pwOUVv5OeZzZwRB5nTTZVHIEQGwU4uH8py4TeP/NhMDIK/
            /1stplXQEmERcCbnTkECQQD4xw4uu0p9Hr2oYbGcLFR53qMocfV1EqpeSOuB19/8
            2SYpwNhhqxN0Bb6SAzQF7d2adftZtCqsvxn1zY/j0HKdAkEA5CslodPVxax6tqTA
            CUkmXo8OE2lt1EMfOQSKA6IMlbdL24t2bRWCKaBqcNO3wH75XTCOxudgQLtpwCf9
            wZ9d/wJBAMheCl45GtWLXNWxWYufaKp/VonMvxV74xvtP0FkzVKo0sPuPljroM9h
            kQuo6M2dt04gmEC3i2d2w0HmPm4OBUECQB9Ku5KCFuNRUFMULTIY0iZNwERxRRrD
            SdjsAnGVG9y8kq69ZbR4Kq3CzlZC8wR3ZYOeUTZ+LPkzusEbuvV/AckCQFGhkxNv
            kp87Ov7lRw9LkzLVjreOfTpTOgzthQZP3cTTWTi4sst7c2dxCzxayipS7+N+SeDc
            rKZugMqSbgX3DVU=
            -----END PRIVATE KEY-----
            """;

    @Test
    void keysOfOlderFormatsAreTheSameKeys() throws Exception {
        ECPrivateKey curve = (ECPrivateKey) Pem.privateKey(CURVE);
        ECPrivateKey same = (ECPrivateKey) Pem.privateKey(CURVE_PKCS8);
        assertThat(curve.getS()).isEqualTo(same.getS());
        assertThat(curve.getParams().getOrder()).isEqualTo(same.getParams().getOrder());
        assertThat(Pem.privateKey(RSA)).isEqualTo(Pem.privateKey(RSA_PKCS8));
        assertThat(Pem.privateKey("text before it\n" + RSA)).isEqualTo(Pem.privateKey(RSA_PKCS8));
    }

    @Test
    void whatIsNoKeyIsTold() {
        for (String bad : List.of(
                "",
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----",
                "-----BEGIN EC PRIVATE KEY-----\nMAMCAQE=\n-----END EC PRIVATE KEY-----",
                "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----",
                "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----",
                "-----BEGIN PRIVATE KEY-----\nA\n-----END PRIVATE KEY-----",
                CURVE.substring(0, 120) + "\n-----END EC PRIVATE KEY-----")) {
            assertThatThrownBy(() -> Pem.privateKey(bad)).as(bad).isInstanceOf(GeneralSecurityException.class);
        }
    }
}
