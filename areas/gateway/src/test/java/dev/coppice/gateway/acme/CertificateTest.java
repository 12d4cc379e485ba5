package dev.coppice.gateway.acme;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Reconciler;
import dev.coppice.control.Resource;
import dev.coppice.control.ResourceClient.Query;
import dev.coppice.control.runtime.testing.FakeResourceClient;
import dev.coppice.gateway.acme.FakeAcmeServer.Refusal;
import dev.coppice.gateway.kind.CertificateKinds;
import dev.coppice.gateway.kind.IssuerReference;
import dev.coppice.gateway.kind.OrderSpec;
import dev.coppice.gateway.kind.OrderStatus;
import dev.coppice.serving.Pem;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** From an issuer and a Certificate to a Secret, and what may go wrong on the way. */
@Timeout(60)
final class CertificateTest {
    private CertificateWorld world;

    @BeforeEach
    void start() throws Exception {
        world = new CertificateWorld();
    }

    @AfterEach
    void stop() {
        world.close();
    }

    private static String revision(CertificateWorld world) {
        return world.object(CertificateKinds.CERTIFICATE, "shop")
                .at("/status/revision")
                .asText();
    }

    @Test
    void aCertificateIsOrderedAndPutInItsSecret() throws Exception {
        world.issuer("email: ops@shop.example");
        world.certificate("shop", "");
        world.round();
        assertThat(world.condition(CertificateKinds.ISSUER, "acme", "Ready")).startsWith("True/ACMEAccountRegistered");
        assertThat(world.ready("shop")).startsWith("False/DoesNotExist Secret shop-tls does not exist");
        assertThat(world.issuing("shop")).startsWith("True/DoesNotExist");

        world.settle();
        assertThat(world.ready("shop")).startsWith("True/Ready");
        assertThat(world.issuing("shop")).startsWith("False/Issued");
        ObjectNode secret = world.secret("shop-tls").orElseThrow();
        assertThat(secret.path("type").asText()).isEqualTo("kubernetes.io/tls");
        assertThat(Pem.certificates(CertificateCheck.entry(secret, "tls.crt"))).hasSize(2);
        assertThat(PrivateKeys.read(CertificateCheck.entry(secret, "tls.key")).getPublic())
                .isEqualTo(Pem.certificates(CertificateCheck.entry(secret, "tls.crt"))
                        .getFirst()
                        .getPublicKey());
        ObjectNode certificate = world.object(CertificateKinds.CERTIFICATE, "shop");
        assertThat(certificate.at("/status/notAfter").asText()).startsWith("2026-04-01");
        assertThat(certificate.at("/status/renewalTime").asText()).startsWith("2026-03-02");
        assertThat(revision(world)).isEqualTo("1");
        assertThat(certificate.at("/status/nextPrivateKeySecretName").asText(""))
                .isEmpty();
        assertThat(world.all(CertificateKinds.CHALLENGE)).isEmpty();
        assertThat(world.server.count("/newOrder")).isEqualTo(1);
        assertThat(world.server.count("/newAccount")).isEqualTo(1);
        // The key of the next one was kept in a Secret only while it was needed.
        assertThat(world.client
                        .list(Accounts.SECRETS, dev.coppice.control.ResourceClient.Query.ALL)
                        .items())
                .hasSize(2);

        long before = world.server.requests.size();
        world.settle();
        assertThat(world.server.requests).hasSize((int) before);
    }

    @Test
    void aChallengeCarriesWhatGatewaysShowAndTheServerIsToldOnceTheyDo() throws Exception {
        world.away = "it is not shown yet: 127.0.0.1 port 80: Connection refused";
        world.issuer("");
        world.certificate("shop", "");
        world.settle();
        var challenge = world.all(CertificateKinds.CHALLENGE).getFirst();
        assertThat(challenge.spec().type()).isEqualTo("HTTP-01");
        assertThat(challenge.spec().dnsName()).isEqualTo("shop.example");
        assertThat(challenge.spec().token()).isEqualTo("token-o1-0-http-01");
        assertThat(challenge.spec().key()).startsWith("token-o1-0-http-01.");
        assertThat(challenge.status().reason()).isEqualTo(world.away);
        assertThat(world.server.count("/challenge")).isZero();

        world.away = null;
        world.settle();
        assertThat(world.ready("shop")).startsWith("True/Ready");
    }

    @Test
    void theFittingSolverIsTaken() throws Exception {
        world.apply("""
                kind: ClusterIssuer
                metadata: {name: acme}
                spec:
                  acme:
                    server: %s
                    skipTLSVerify: true
                    privateKeySecretRef: {name: account}
                    solvers:
                    - http01: {gatewayHTTPRoute: {}}
                    - selector: {dnsZones: [example]}
                      coppiceTLSALPN01: {parentRefs: [{name: edge}]}
                """.formatted(world.server.directory()));
        world.away = "not yet";
        world.apply("""
                kind: Certificate
                metadata: {name: shop}
                spec:
                  secretName: shop-tls
                  issuerRef: {name: acme, kind: ClusterIssuer}
                  dnsNames: [shop.example, shop.test]
                """);
        world.settle();
        assertThat(world.all(CertificateKinds.CHALLENGE).stream()
                        .map(each -> each.spec().dnsName() + " " + each.spec().type() + " "
                                + each.spec().token()))
                .containsExactlyInAnyOrder(
                        "shop.example TLS-ALPN-01 token-o1-0-tls-alpn-01", "shop.test HTTP-01 token-o1-1-http-01");
        // The account's key of a ClusterIssuer is not in anybody's namespace.
        assertThat(world.client.get(Accounts.SECRETS, "coppice-system", "account"))
                .isPresent();
        world.away = null;
        world.settle();
        assertThat(world.ready("shop")).startsWith("True/Ready");
    }

    @Test
    void itIsRenewedInTimeWithANewKey() throws Exception {
        world.issuer("");
        world.certificate("shop", "renewBefore: 240h");
        world.settle();
        String key = CertificateCheck.entry(world.secret("shop-tls").orElseThrow(), "tls.key");
        world.clock.advance(Duration.ofDays(79));
        world.settle();
        assertThat(revision(world)).isEqualTo("1");
        world.clock.advance(Duration.ofDays(1));
        world.round();
        assertThat(world.ready("shop")).startsWith("True/Renewing");
        assertThat(world.issuing("shop")).startsWith("True/Renewing");
        world.settle();
        assertThat(revision(world)).isEqualTo("2");
        assertThat(world.ready("shop")).startsWith("True/Ready");
        assertThat(CertificateCheck.entry(world.secret("shop-tls").orElseThrow(), "tls.key"))
                .isNotEqualTo(key);
        // The order before the last is gone.
        world.clock.advance(Duration.ofDays(81));
        world.settle();
        assertThat(world.all(CertificateKinds.ORDER)).hasSize(1);
    }

    @Test
    void itsKeyStaysIfThatIsWanted() throws Exception {
        world.issuer("");
        world.certificate("shop", "");
        ObjectNode patch = JsonNodeFactory.instance.objectNode();
        patch.withObject("/spec/privateKey").put("rotationPolicy", "Never");
        ObjectNode _ = world.client.mergePatch(CertificateKinds.CERTIFICATE.type(), "default", "shop", null, patch);
        world.settle();
        String key = CertificateCheck.entry(world.secret("shop-tls").orElseThrow(), "tls.key");
        world.clock.advance(Duration.ofDays(61));
        world.settle();
        assertThat(revision(world)).isEqualTo("2");
        assertThat(CertificateCheck.entry(world.secret("shop-tls").orElseThrow(), "tls.key"))
                .isEqualTo(key);
    }

    @Test
    void aSecretThatIsDeletedOrDoesNotFitIsMadeAgain() throws Exception {
        world.issuer("");
        world.certificate("shop", "");
        world.settle();
        boolean _ = world.client.delete(Accounts.SECRETS, "default", "shop-tls");
        world.settle();
        assertThat(revision(world)).isEqualTo("2");

        ObjectNode patch = JsonNodeFactory.instance.objectNode();
        patch.withObject("/spec").putArray("dnsNames").add("shop.example").add("www.shop.example");
        ObjectNode _ = world.client.mergePatch(CertificateKinds.CERTIFICATE.type(), "default", "shop", null, patch);
        world.round();
        assertThat(world.ready("shop")).startsWith("False/RequestChanged");
        world.settle();
        assertThat(world.ready("shop")).startsWith("True/Ready");
        assertThat(revision(world)).isEqualTo("3");
    }

    @Test
    void anOrderThatFailsIsTriedAgainAfterAnHourThenTwo() throws Exception {
        world.server.validation = _ -> "invalid";
        world.issuer("");
        world.certificate("shop", "");
        world.settle();
        assertThat(world.issuing("shop"))
                .startsWith("False/Failed the certificate was not issued, 1 time: shop.example: connection: nobody");
        assertThat(world.server.count("/newOrder")).isEqualTo(1);
        world.clock.advance(Duration.ofMinutes(58));
        world.settle();
        assertThat(world.server.count("/newOrder")).isEqualTo(1);
        world.clock.advance(Duration.ofMinutes(2));
        world.settle();
        assertThat(world.server.count("/newOrder")).isEqualTo(2);
        assertThat(world.object(CertificateKinds.CERTIFICATE, "shop")
                        .at("/status/failedIssuanceAttempts")
                        .asInt())
                .isEqualTo(2);
        world.clock.advance(Duration.ofMinutes(70));
        world.settle();
        assertThat(world.server.count("/newOrder")).isEqualTo(2);

        // A changed spec is another order, at once.
        world.server.validation = _ -> "valid";
        ObjectNode patch = JsonNodeFactory.instance.objectNode();
        patch.withObject("/spec").putArray("dnsNames").add("other.example");
        ObjectNode _ = world.client.mergePatch(CertificateKinds.CERTIFICATE.type(), "default", "shop", null, patch);
        world.settle();
        assertThat(world.ready("shop")).startsWith("True/Ready");
        assertThat(world.object(CertificateKinds.CERTIFICATE, "shop")
                        .at("/status")
                        .has("lastFailureTime"))
                .isFalse();
    }

    @Test
    void aCertificateThatDoesNotFitIsAFailureAndNotOrderedAgainAtOnce() throws Exception {
        world.server.moreNames = List.of("www.shop.example");
        world.issuer("");
        world.certificate("shop", "");
        world.settle();
        world.settle();
        assertThat(world.issuing("shop")).startsWith("False/Failed").contains("1 time", "RequestChanged");
        assertThat(world.secret("shop-tls")).isEmpty();
        assertThat(world.server.count("/newOrder")).isEqualTo(1);
        world.server.moreNames = List.of();
        world.clock.advance(Duration.ofHours(1));
        world.settle();
        assertThat(world.ready("shop")).startsWith("True/Ready");
        assertThat(world.server.count("/newOrder")).isEqualTo(2);
    }

    @Test
    void aRenewalBeforeItComesIsPutOff() throws Exception {
        world.server.backdated = Duration.ofHours(1);
        world.issuer("");
        world.certificate("shop", "renewBefore: 2159h30m");
        world.settle();
        world.settle();
        assertThat(world.ready("shop")).startsWith("True/Ready");
        assertThat(world.server.count("/newOrder")).isEqualTo(1);
        // Three quarters of 90 days before its end.
        assertThat(world.object(CertificateKinds.CERTIFICATE, "shop")
                        .at("/status/renewalTime")
                        .asText())
                .startsWith("2026-01-23T11");
    }

    @Test
    void aSecretThatSomebodyChangesAgainAndAgainIsMadeOnceAnHour() throws Exception {
        world.issuer("");
        world.certificate("shop", "");
        world.settle();
        ObjectNode patch = JsonNodeFactory.instance.objectNode();
        patch.withObject("/metadata/annotations").putNull(CertificateCheck.ISSUER_NAME);
        ObjectNode _ = world.client.mergePatch(Accounts.SECRETS, "default", "shop-tls", null, patch);
        world.settle();
        assertThat(world.ready("shop")).startsWith("False/IncorrectIssuer");
        assertThat(world.server.count("/newOrder")).isEqualTo(1);
        world.clock.advance(Duration.ofHours(1));
        world.settle();
        assertThat(world.ready("shop")).startsWith("True/Ready");
        assertThat(world.server.count("/newOrder")).isEqualTo(2);
    }

    @Test
    void aServerThatWantsMoreAuthorizationsThanThereAreNamesIsRefused() throws Exception {
        world.server.moreAuthorizations = List.of("other.example");
        world.issuer("");
        world.certificate("shop", "");
        world.settle();
        assertThat(world.issuing("shop"))
                .startsWith("False/Failed")
                .endsWith("the ACME server wants 2 authorizations for 1 names");
        assertThat(world.server.count("/authorization")).isZero();
    }

    @Test
    void aServerThatLimitsIsLeftAloneAsLongAsItSays() throws Exception {
        world.issuer("");
        world.round();
        world.server.refuse(
                "/newOrder", new Refusal(429, "rateLimited", "too many certificates", Map.of("Retry-After", "7200")));
        world.certificate("shop", "");
        world.round();
        world.round();
        var order = world.all(CertificateKinds.ORDER).getFirst();
        assertThat(order.status().reason()).isEqualTo("rateLimited: too many certificates");
        assertThat(order.status().ended()).isFalse();
        // acme4j counts from the machine's time, which is later than the test's; a day is the longest.
        assertThat(world.results.get("Order " + order.name()).after()).isGreaterThanOrEqualTo(Duration.ofHours(2));
    }

    @Test
    void whatAServerAsksForIsBounded() {
        Instant now = Instant.parse("2026-01-01T00:00:00Z");
        assertThat(Failure.asked("7", now)).isEqualTo(Duration.ofSeconds(7));
        assertThat(Failure.asked("999999999", now)).isEqualTo(Duration.ofDays(1));
        assertThat(Failure.asked("Thu, 1 Jan 2026 00:01:00 GMT", now)).isEqualTo(Duration.ofMinutes(1));
        assertThat(Failure.asked("Wed, 1 Jan 2020 00:01:00 GMT", now)).isZero();
        assertThat(Failure.asked("tomorrow", now)).isNull();
        assertThat(Failure.asked("", now)).isNull();
    }

    @Test
    void aBadNonceIsNoFailure() throws Exception {
        world.issuer("");
        world.certificate("shop", "");
        world.server.refuse("/newOrder", Refusal.problem(400, "badNonce", "another one"));
        world.server.refuse("/finalize", Refusal.problem(400, "badNonce", "another one"));
        world.settle();
        assertThat(world.ready("shop")).startsWith("True/Ready");
        assertThat(world.server.count("/newOrder")).isEqualTo(2);
        assertThat(world.server.orders).hasSize(1);
    }

    @Test
    void whatTheServerRefusesForGoodFailsTheOrder() throws Exception {
        world.issuer("");
        world.certificate("shop", "");
        world.server.refuse("/newOrder", Refusal.problem(400, "rejectedIdentifier", "not .example"));
        world.settle();
        assertThat(world.issuing("shop"))
                .isEqualTo("False/Failed the certificate was not issued, 1 time: rejectedIdentifier: not .example");
    }

    @Test
    void aServerThatIsAwayOrTalksNonsenseIsTriedAgain() throws Exception {
        world.issuer("");
        world.certificate("shop", "");
        world.server.refuse("/newOrder", new Refusal(500, "", "oops", Map.of()));
        world.server.refuse("/order", new Refusal(503, "", "soon", Map.of("Retry-After", "3")));
        world.server.refuse("/finalize", Refusal.problem(500, "serverInternal", "oops"));
        world.server.refuse("/certificate", new Refusal(200, "", "this is no certificate", Map.of()));
        world.settle();
        world.settle();
        assertThat(world.ready("shop")).startsWith("True/Ready");
        assertThat(world.server.orders).hasSize(1);
    }

    @Test
    void aServerThatDoesNotLookIsToldAgainAFewTimes() throws Exception {
        world.server.validation = _ -> "pending";
        world.issuer("");
        world.certificate("shop", "");
        for (int i = 0; i < 60; i++) {
            world.settle();
        }
        assertThat(world.issuing("shop")).contains("shop.example: connection: nobody is there");
        assertThat(world.server.count("/newOrder")).isEqualTo(1);
    }

    /** Each write fails once, right after what it is about was done at the server; then the process is killed. */
    @Test
    void anyStepMayBeTheLastOfAProcess() throws Exception {
        for (int killed = 1; killed < 14; killed++) {
            killed(killed, false);
        }
    }

    /** Each write is the last thing that a process has done. */
    @Test
    void aProcessMayEndAfterAnyWrite() throws Exception {
        for (int killed = 1; killed < 14; killed++) {
            killed(killed, true);
        }
    }

    private static void killed(int killed, boolean after) throws Exception {
        String what = "killed " + (after ? "after" : "at") + " write " + killed;
        try (CertificateWorld killing = new CertificateWorld()) {
            killing.server.processing = 1;
            killing.issuer("");
            killing.certificate("shop", "");
            int[] left = {killed};
            killing.client.fail(call -> {
                boolean write = call.startsWith("mergePatch") || call.startsWith("create");
                boolean now = after && left[0] == 0;
                if (write || now) {
                    left[0]--;
                }
                return now || !after && write && left[0] == 0
                        ? Optional.of(FakeResourceClient.error(500, "InternalError", "killed"))
                        : Optional.empty();
            });
            byte[] account = null;
            for (int i = 0; i < 25; i++) {
                try {
                    killing.round();
                } catch (dev.coppice.control.ApiException e) {
                    killing.restart();
                }
                killing.clock.advance(Duration.ofSeconds(5));
                byte[] key = killing.client
                        .secret("default", "account")
                        .map(each -> each.get("tls.key"))
                        .orElse(null);
                if (account != null) {
                    assertThat(key).as(what + ": the account's key").isEqualTo(account);
                }
                account = key;
            }
            assertThat(killing.ready("shop")).as(what).startsWith("True/Ready");
            assertThat(killing.server.orders.size())
                    .as("orders at the server, " + what)
                    .isLessThan(3);
            assertThat(killing.issuing("shop")).as(what).startsWith("False/Issued");
            // Nothing is left of what was on its way: no key that is not used, and nothing that gateways show.
            assertThat(killing.client.list(Accounts.SECRETS, Query.ALL).items())
                    .as(what)
                    .extracting(each -> each.at("/metadata/name").asText())
                    .containsExactlyInAnyOrder("account", "shop-tls");
            assertThat(killing.all(CertificateKinds.CHALLENGE)).as(what).isEmpty();
            assertThat(killing.all(CertificateKinds.ORDER)).as(what).hasSizeLessThan(2);
        }
    }

    /** The time of one issuer's server is that of its own. */
    @Test
    void aServerThatDoesNotAnswerHoldsOneStepOfAnOrder() throws Exception {
        world.issuer("");
        world.certificate("one", "");
        world.certificate("two", "");
        world.round();
        world.round();
        List<Resource<OrderSpec, OrderStatus>> orders = world.all(CertificateKinds.ORDER);
        assertThat(orders).hasSize(2);
        world.server.gate = new CountDownLatch(1);
        Thread waiting = Thread.ofVirtual().start(() -> {
            try {
                Reconciler.Result _ = world.order(orders.getFirst());
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
        });
        while (world.server.held.get() == 0) {
            Thread.onSpinWait();
        }
        // Without waiting for any answer.
        assertThat(world.order(orders.getLast())).isEqualTo(Reconciler.Result.again(IssuerTurns.AGAIN));
        assertThat(world.server.held.get()).isEqualTo(1);
        world.server.gate.countDown();
        waiting.join();
        world.settle();
        assertThat(world.ready("one")).startsWith("True/Ready");
        assertThat(world.ready("two")).startsWith("True/Ready");
    }

    @Test
    void turnsAreThoseOfAnIssuer() {
        IssuerTurns turns = new IssuerTurns(1);
        IssuerReference own = new IssuerReference("acme", null, null);
        IssuerReference cluster = new IssuerReference("acme", "ClusterIssuer", null);
        assertThat(turns.<String>take(own, "a", () -> {
                    assertThat(turns.<String>take(own, "a", () -> "")).isNull();
                    String other = turns.take(own, "b", () -> "other");
                    return other
                            + turns.<String>take(
                                    cluster, "a", () -> String.valueOf(turns.<String>take(cluster, "b", () -> "")));
                }))
                .isEqualTo("othernull");
        assertThat(turns.<String>take(own, "a", () -> "free")).isEqualTo("free");
    }

    /** What a name led to when somebody asked says nothing of where a connection goes. */
    @Test
    void theAddressThatIsConnectedToIsAskedAbout() throws Exception {
        List<InetAddress> asked = new CopyOnWriteArrayList<>();
        world.addresses = each -> {
            asked.add(each);
            return "it is ours";
        };
        world.issuer("");
        world.round();
        assertThat(world.condition(CertificateKinds.ISSUER, "acme", "Ready"))
                .startsWith("False/ErrRegisterACMEAccount")
                .contains("may not be called: it is ours");
        assertThat(asked).isNotEmpty().allMatch(InetAddress::isLoopbackAddress);
        assertThat(world.server.requests).isEmpty();
        world.addresses = _ -> null;
        world.settle();
        assertThat(world.condition(CertificateKinds.ISSUER, "acme", "Ready")).startsWith("True/");
    }

    @Test
    void twoCertificatesForOneSecretDoNotTakeItFromEachOther() throws Exception {
        world.issuer("");
        world.certificate("shop", "");
        world.settle();
        world.clock.advance(Duration.ofSeconds(10));
        world.apply("""
                kind: Certificate
                metadata: {name: another}
                spec: {secretName: shop-tls, issuerRef: {name: acme}, dnsNames: [another.example]}
                """);
        world.settle();
        assertThat(world.ready("another")).startsWith("False/DuplicateSecretName spec.secretName: Certificate shop");
        assertThat(world.ready("shop")).startsWith("True/Ready");
        assertThat(world.server.count("/newOrder")).isEqualTo(1);
    }

    @Test
    void aSecretOfAnotherTypeIsNotTouched() throws Exception {
        world.apply("kind: Secret\nmetadata: {name: shop-tls, namespace: default}\ntype: Opaque\ndata: {a: b3du}");
        world.issuer("");
        world.certificate("shop", "");
        world.settle();
        assertThat(world.ready("shop")).startsWith("False/SecretMismatch Secret shop-tls is of type Opaque");
        assertThat(world.server.count("/newOrder")).isZero();
    }

    @Test
    void anIssuerThatCannotBeUsedSaysWhy() throws Exception {
        world.certificate("shop", "");
        world.settle();
        assertThat(world.all(CertificateKinds.ORDER).getFirst().status().reason())
                .isEqualTo("Issuer default/acme does not exist");
        world.server.refuse("/newAccount", Refusal.problem(403, "externalAccountRequired", "who are you?"));
        world.issuer("disableAccountKeyGeneration: true");
        world.round();
        assertThat(world.condition(CertificateKinds.ISSUER, "acme", "Ready"))
                .isEqualTo("False/ErrInitIssuer spec.acme.privateKeySecretRef: Secret default/account does not exist");
        world.apply("kind: Secret\nmetadata: {name: account, namespace: default}\ndata: {tls.key: bm8ga2V5}");
        world.round();
        assertThat(world.condition(CertificateKinds.ISSUER, "acme", "Ready")).contains("holds no private key");
        boolean _ = world.client.delete(Accounts.SECRETS, "default", "account");
        // As cert-manager has written it.
        java.security.KeyPairGenerator generator = java.security.KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        String pem = Pem.encode(generator.generateKeyPair().getPrivate());
        world.apply("kind: Secret\nmetadata: {name: account, namespace: default}\ndata: {tls.key: "
                + java.util.Base64.getEncoder().encodeToString(pem.getBytes(java.nio.charset.StandardCharsets.US_ASCII))
                + "}");
        world.round();
        assertThat(world.condition(CertificateKinds.ISSUER, "acme", "Ready"))
                .isEqualTo("False/ErrRegisterACMEAccount externalAccountRequired: who are you?");
        world.settle();
        assertThat(world.condition(CertificateKinds.ISSUER, "acme", "Ready")).startsWith("True/");
        assertThat(world.ready("shop")).startsWith("True/Ready");
    }
}
