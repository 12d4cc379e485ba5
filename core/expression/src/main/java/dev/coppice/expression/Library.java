package dev.coppice.expression;

import com.google.common.collect.ImmutableList;
import dev.cel.common.CelFunctionDecl;
import dev.cel.common.CelOverloadDecl;
import dev.cel.common.types.CelType;
import dev.cel.common.values.CelByteString;
import dev.cel.runtime.CelFunctionBinding;
import dev.cel.runtime.CelFunctionOverload;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Functions: what the checker has to know of them and what they do. Overloads of one name are collected, for the runtime
 * has to see all of them at once to choose by the values' types.
 */
final class Library {

    private final Map<String, List<CelOverloadDecl>> overloads = new LinkedHashMap<>();
    private final Map<String, List<CelFunctionBinding>> bindings = new LinkedHashMap<>();

    /** The libraries that Kubernetes adds to CEL (apiserver/pkg/cel/library) and the strings extension it takes. */
    static Library kubernetes() {
        Library library = new Library();
        StringFunctions.addTo(library);
        ListFunctions.addTo(library);
        Regexes.addTo(library);
        Quantities.addTo(library);
        Urls.addTo(library);
        Networks.addTo(library);
        Formats.addTo(library);
        Authorizations.addTo(library);
        return library;
    }

    /** {@code x.function(y)}; the first argument is {@code x}. */
    void member(String function, String id, CelFunctionOverload body, CelType result, CelType... arguments) {
        add(function, CelOverloadDecl.newMemberOverload(id, result, List.of(arguments)), body, List.of(arguments));
    }

    /** {@code function(x, y)}. */
    void global(String function, String id, CelFunctionOverload body, CelType result, CelType... arguments) {
        add(function, CelOverloadDecl.newGlobalOverload(id, result, List.of(arguments)), body, List.of(arguments));
    }

    private void add(String function, CelOverloadDecl overload, CelFunctionOverload body, List<CelType> arguments) {
        overloads.computeIfAbsent(function, _ -> new ArrayList<>()).add(overload);
        bind(function, overload.overloadId(), body, arguments);
    }

    /** Gives a body to an overload that CEL declares itself. */
    void bind(String function, String id, CelFunctionOverload body, List<CelType> arguments) {
        List<Class<?>> classes = new ArrayList<>();
        arguments.forEach(argument -> classes.add(javaClass(argument)));
        bindings.computeIfAbsent(function, _ -> new ArrayList<>()).add(CelFunctionBinding.from(id, classes, body));
    }

    List<CelFunctionDecl> declarations() {
        return overloads.entrySet().stream()
                .map(each -> CelFunctionDecl.newFunctionDeclaration(each.getKey(), each.getValue()))
                .toList();
    }

    List<CelFunctionBinding> bindings() {
        List<CelFunctionBinding> all = new ArrayList<>();
        bindings.forEach(
                (function, each) -> all.addAll(CelFunctionBinding.fromOverloads(function, ImmutableList.copyOf(each))));
        return all;
    }

    private static Class<?> javaClass(CelType type) {
        return switch (type.kind()) {
            case STRING -> String.class;
            case INT -> Long.class;
            case DOUBLE -> Double.class;
            case BOOL -> Boolean.class;
            case BYTES -> CelByteString.class;
            case LIST -> List.class;
            case MAP -> Map.class;
            case TIMESTAMP -> Instant.class;
            case DURATION -> Duration.class;
            case OPAQUE -> opaqueClass(type.name());
            default -> Object.class;
        };
    }

    private static Class<?> opaqueClass(String name) {
        return switch (name) {
            case Quantities.TYPE_NAME -> Quantities.Quantity.class;
            case Urls.TYPE_NAME -> Urls.Url.class;
            case Networks.IP_TYPE_NAME -> Networks.Ip.class;
            case Networks.CIDR_TYPE_NAME -> Networks.Cidr.class;
            case Formats.TYPE_NAME -> Formats.Format.class;
            case "kubernetes.authorization.Decision" -> Authorizations.Decision.class;
            default -> name.startsWith("kubernetes.authorization.") ? Authorizations.Asking.class : Object.class;
        };
    }
}
