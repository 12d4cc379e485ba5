package dev.coppice.gateway.authentication;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.config.SecurityConfig.Method;
import dev.coppice.gateway.config.SecurityConfig.User;
import dev.coppice.kernel.SimulatedClock;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Queue;
import org.bouncycastle.crypto.generators.OpenBSDBCrypt;
import org.junit.jupiter.api.Test;

/** Names and passwords. */
class PasswordMethodTest {
    private static final SecureRandom RANDOM = new SecureRandom();
    /** Made by Argon2's reference implementation, as its tests have it. */
    private static final String ARGON2ID =
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    private final SimulatedClock clock = new SimulatedClock();
    private final Queue<Runnable> work = new ArrayDeque<>();
    private final PasswordMethod method = new PasswordMethod(
            new Method.Basic(
                    "staff",
                    List.of(
                            new User("alice", hash("open: sesame")),
                            new User("bjørn", hash("pässword")),
                            new User("carol", ARGON2ID)),
                    "x-user",
                    false),
            new PasswordHash(64 << 20),
            new Proofs(clock, new ProofCache(clock, RANDOM, 256), 1, work::add));

    private static String hash(String password) {
        byte[] salt = new byte[16];
        RANDOM.nextBytes(salt);
        return OpenBSDBCrypt.generate("2y", password.getBytes(StandardCharsets.UTF_8), salt, 4);
    }

    private static Asked basic(String pair) {
        return Asked.header(
                "authorization", "Basic " + Base64.getEncoder().encodeToString(pair.getBytes(StandardCharsets.UTF_8)));
    }

    private List<Outcome> ask(Asked request) {
        List<Outcome> said = new ArrayList<>();
        method.authenticate(request, said::add);
        return said;
    }

    private Outcome run(Asked request) {
        List<Outcome> said = ask(request);
        while (!work.isEmpty()) {
            work.remove().run();
        }
        assertThat(said).hasSize(1);
        return said.getFirst();
    }

    @Test
    void whoKnowsThePasswordGetsIn() {
        assertThat(run(basic("alice:open: sesame")))
                .isEqualTo(new Outcome.Known(
                        new Identity("Basic", "staff", "alice"), List.of(new Outcome.Header("x-user", "alice"))));
        assertThat(run(basic("bjørn:pässword"))).isInstanceOf(Outcome.Known.class);
    }

    @Test
    void hashesOfArgon2idAreUnderstood() {
        assertThat(run(basic("carol:password"))).isInstanceOf(Outcome.Known.class);
        assertThat(run(basic("carol:passwort"))).isInstanceOf(Outcome.Refused.class);
        assertThat(PasswordFile.read("carol:" + ARGON2ID).users()).containsExactly(new User("carol", ARGON2ID));
    }

    @Test
    void whatAHashCostsIsBounded() {
        assertThat(problem("a:" + ARGON2ID.replace("m=65536", "m=65537"))).contains("m=65537", "8, which", "65536");
        assertThat(problem("a:" + ARGON2ID.replace("m=65536", "m=7"))).contains("m=7");
        assertThat(problem("a:" + ARGON2ID.replace("t=2", "t=5"))).contains("t=5", "1 to 4");
        assertThat(problem("a:" + ARGON2ID.replace("t=2", "t=0"))).contains("t=0");
        assertThat(problem("a:" + ARGON2ID.replace("p=1", "p=17"))).contains("p=17", "1 to 16");
        assertThat(problem("a:" + ARGON2ID.replace("p=1", "p=0"))).contains("p=0");
        assertThat(problem("a:" + ARGON2ID.replace("c29tZXNhbHQ", "c29tZQ"))).contains("a salt");
        assertThat(problem("a:" + ARGON2ID.replace("c29tZXNhbHQ", "A"))).contains("a salt");
        assertThat(problem("a:" + ARGON2ID.substring(0, ARGON2ID.length() - 30)))
                .contains("an end");
        assertThat(problem("a:" + ARGON2ID.replace("argon2id", "argon2i"))).contains("Argon2i or");
        assertThat(problem("a:" + ARGON2ID.replace("v=19", "v=16"))).contains("old version");
    }

    @Test
    void everythingElseIsRefused() {
        for (String each : List.of("alice:sesame", "alice:", "bob:open: sesame", "bjørn:open: sesame")) {
            assertThat(run(basic(each))).isEqualTo(new Outcome.Refused("the name or the password is wrong"));
        }
        Outcome malformed = new Outcome.Refused("the credentials are malformed");
        for (String each : List.of("alice", ":x", "al\u0000ice:x", "alice:x\n", "alice:" + "x".repeat(2000))) {
            assertThat(run(basic(each))).as(each).isEqualTo(malformed);
        }
        for (String each : List.of("Basic !", "Basic YQ", "Basic /w==", "Basic YTpi YTpi")) {
            assertThat(run(Asked.header("authorization", each))).as(each).isEqualTo(malformed);
        }
        assertThat(run(Asked.header("authorization", "Bearer x"))).isEqualTo(Outcome.Absent.ABSENT);
        assertThat(run(Asked.nothing())).isEqualTo(Outcome.Absent.ABSENT);
    }

    @Test
    void aGoodPasswordIsRememberedForFiveMinutes() {
        assertThat(run(basic("alice:open: sesame"))).isInstanceOf(Outcome.Known.class);
        assertThat(ask(basic("alice:open: sesame"))).hasSize(1);
        assertThat(work).isEmpty();
        clock.advance(Duration.ofMinutes(5));
        assertThat(ask(basic("alice:open: sesame"))).isEmpty();
        assertThat(work).hasSize(1);
        run(basic("alice:open: sesame"));
    }

    @Test
    void aWrongPasswordIsNot() {
        run(basic("alice:x"));
        assertThat(ask(basic("alice:x"))).isEmpty();
        assertThat(work).hasSize(1);
    }

    @Test
    void requestsWithTheSameCredentialsWaitForOneCheck() {
        List<Outcome> said = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            method.authenticate(basic("alice:open: sesame"), said::add);
        }
        assertThat(work).hasSize(1);
        work.remove().run();
        assertThat(said).hasSize(10).allMatch(each -> each instanceof Outcome.Known);
    }

    @Test
    void notEverybodyCanWait() {
        List<Outcome> said = new ArrayList<>();
        for (int i = 0; i < Proofs.MOST_WAITING; i++) {
            method.authenticate(basic("alice:" + i), said::add);
        }
        assertThat(said).isEmpty();
        method.authenticate(basic("alice:open: sesame"), said::add);
        assertThat(said).hasSize(1).first().isInstanceOf(Outcome.Unavailable.class);
        work.remove().run();
        assertThat(run(basic("alice:open: sesame"))).isInstanceOf(Outcome.Known.class);
    }

    @Test
    void filesOfHtpasswdAreRead() {
        String good = hash("x");
        assertThat(PasswordFile.read("# staff\n\nalice:" + good + "\r\n  bob:" + good + "  \n"))
                .isEqualTo(new PasswordFile.Read(List.of(new User("alice", good), new User("bob", good)), null));
        assertThat(problem("alice:{SHA}qvTGHdzF6KLavt4PO0gs2a6pQ00="))
                .startsWith("line 1: ")
                .contains("SHA-1");
        assertThat(problem("a:" + good + "\nbob:$apr1$x$y"))
                .startsWith("line 2: ")
                .contains("MD5");
        assertThat(problem("alice:$argon2id$v=19$m=1,t=1,p=1$a$b")).contains("Argon2");
        assertThat(problem("alice:hunter2")).contains("in the clear").doesNotContain("hunter2");
        assertThat(problem("alice:" + good.replace("$04$", "$20$"))).contains("a cost of 20");
        assertThat(problem("alice:" + good + "\nalice:" + good)).contains("there twice");
        assertThat(problem("alice")).contains("NAME:HASH");
        assertThat(problem(" \n#\n")).contains("no user");
        assertThat(new User("alice", good).toString()).doesNotContain(good);
    }

    private static String problem(String file) {
        return String.valueOf(PasswordFile.read(file).problem());
    }
}
