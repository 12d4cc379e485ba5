package dev.coppice.gateway.authentication;

import dev.coppice.gateway.config.SecurityConfig.Source;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds the credential of a request: the first source that has something counts. One that is there twice is none, since the backend
 * might read the other one. Immutable.
 */
final class CredentialFinder {
    private final List<Source> sources;

    CredentialFinder(List<Source> sources) {
        this.sources = List.copyOf(sources);
    }

    /**
     * What there is.
     *
     * @param value null when there is none
     * @param problem why there is none although something is there; null when there is no problem
     */
    record Found(@Nullable String value, @Nullable String problem) {
        private static final Found NOTHING = new Found(null, null);
    }

    List<Source> sources() {
        return sources;
    }

    Found find(CredentialRequest request) {
        for (Source source : sources) {
            Found found = find(request, source);
            if (found != Found.NOTHING) {
                return found;
            }
        }
        return Found.NOTHING;
    }

    private static Found find(CredentialRequest request, Source source) {
        List<String> values = switch (source.type()) {
            case HEADER -> request.headers(source.name());
            case COOKIE -> request.cookies(source.name());
            case QUERY -> request.parameters(source.name());
        };
        if (values.size() > 1) {
            return new Found(null, "the credential is there more than once");
        }
        String value = values.isEmpty() ? "" : values.getFirst().strip();
        String prefix = source.prefix();
        if (value.isEmpty() || !value.regionMatches(true, 0, prefix, 0, prefix.length())) {
            return Found.NOTHING;
        }
        String rest = value.substring(prefix.length()).strip();
        return rest.isEmpty() ? Found.NOTHING : new Found(rest, null);
    }
}
