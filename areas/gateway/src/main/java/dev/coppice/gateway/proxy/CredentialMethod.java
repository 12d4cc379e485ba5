package dev.coppice.gateway.proxy;

import dev.coppice.gateway.authentication.AuthenticationMethod;
import dev.coppice.gateway.authentication.Outcome;
import dev.coppice.gateway.config.SecurityConfig.Source;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Looks at a credential of the request. */
record CredentialMethod(AuthenticationMethod method) implements AccessMethod {
    @Override
    public void ask(RequestCredentials request, Consumer<Outcome> done) {
        method.authenticate(request, done);
    }

    @Override
    public String challenge(String realm, @Nullable String problem) {
        return method.challenge(realm, problem);
    }

    @Override
    public Outcome.@Nullable Replied login(RequestCredentials request) {
        return method.login(request);
    }

    @Override
    public List<String> ownPaths() {
        return method.ownPaths();
    }

    @Override
    public List<Source> sources() {
        return method.sources();
    }

    @Override
    public boolean forwards() {
        return method.forwards();
    }

    @Override
    public List<String> owned() {
        return method.owned();
    }
}
