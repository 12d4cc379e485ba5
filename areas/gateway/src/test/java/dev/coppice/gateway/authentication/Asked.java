package dev.coppice.gateway.authentication;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A request of a test, and what a method finds in it. */
final class Asked implements CredentialRequest {
    private final Map<String, List<String>> all = new HashMap<>();
    private String method = "GET";
    private String target = "/";
    private byte[] body = new byte[0];

    static Asked header(String name, String... values) {
        Asked asked = new Asked();
        for (String each : values) {
            asked.all.computeIfAbsent("h/" + name, _ -> new ArrayList<>()).add(each);
        }
        return asked;
    }

    static Asked nothing() {
        return new Asked();
    }

    Asked with(String header, String value) {
        all.computeIfAbsent("h/" + header, _ -> new ArrayList<>()).add(value);
        return this;
    }

    Asked cookie(String name, String value) {
        all.computeIfAbsent("c/" + name, _ -> new ArrayList<>()).add(value);
        return this;
    }

    Asked parameter(String name, String value) {
        all.computeIfAbsent("q/" + name, _ -> new ArrayList<>()).add(value);
        return this;
    }

    /** Another one than a GET of /. */
    Asked of(String method, String target) {
        this.method = method;
        this.target = target;
        return this;
    }

    Asked body(String text) {
        body = text.getBytes(StandardCharsets.UTF_8);
        return this;
    }

    @Override
    public void body(int most, Consumer<byte @Nullable []> then) {
        then.accept(body.length > most ? null : body);
    }

    @Override
    public String method() {
        return method;
    }

    @Override
    public String host() {
        return "shop.example";
    }

    @Override
    public String path() {
        int mark = target.indexOf('?');
        return mark < 0 ? target : target.substring(0, mark);
    }

    @Override
    public String query() {
        return target.substring(path().length());
    }

    @Override
    public List<String> headers(String name) {
        return all.getOrDefault("h/" + name, List.of());
    }

    @Override
    public List<String> cookies(String name) {
        return all.getOrDefault("c/" + name, List.of());
    }

    @Override
    public List<String> parameters(String name) {
        return all.getOrDefault("q/" + name, List.of());
    }

    /** What a method says, be it at once or later. */
    Outcome of(AuthenticationMethod method) throws InterruptedException {
        BlockingQueue<Outcome> said = new ArrayBlockingQueue<>(2);
        method.authenticate(this, said::add);
        Outcome outcome = said.poll(30, TimeUnit.SECONDS);
        if (outcome == null) {
            throw new AssertionError("nothing was said within 30 s");
        }
        if (!said.isEmpty()) {
            throw new AssertionError("it was said twice: " + outcome + ", " + said);
        }
        return outcome;
    }

    /** Why a credential is refused; the outcome where it is not. */
    String refusal(AuthenticationMethod method) throws InterruptedException {
        Outcome outcome = of(method);
        return outcome instanceof Outcome.Refused refused ? refused.why() : outcome.toString();
    }
}
