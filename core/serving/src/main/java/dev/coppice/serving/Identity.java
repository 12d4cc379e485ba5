package dev.coppice.serving;

import java.util.List;
import java.util.Map;

/**
 * Who asks (Kubernetes: user.Info).
 *
 * @param name such as {@code system:anonymous} or {@code admin}
 * @param uid stable over renames, or empty
 * @param groups such as {@code system:masters}
 * @param extra further attributes
 */
public record Identity(String name, String uid, List<String> groups, Map<String, List<String>> extra) {

    public static final Identity ANONYMOUS =
            new Identity("system:anonymous", "", List.of("system:unauthenticated"), Map.of());

    public Identity {
        groups = List.copyOf(groups);
        extra = Map.copyOf(extra);
    }

    public boolean authenticated() {
        return !groups.contains("system:unauthenticated");
    }
}
