package dev.coppice.probe;

import dev.coppice.probe.InvalidProbeException.FieldError;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Rules that several specifications share. */
final class SpecRules {
    private static final Pattern TOKEN = Pattern.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+");

    private SpecRules() {}

    static void host(String host, List<FieldError> errors) {
        if (host.isBlank() || host.length() > 253 || host.indexOf('/') >= 0 || host.indexOf('@') >= 0) {
            errors.add(new FieldError("host", "expected a host name or IP address, not \"" + host + "\""));
        }
    }

    static void port(int port, List<FieldError> errors) {
        if (port < 1 || port > 65_535) {
            errors.add(new FieldError("port", "expected 1 to 65535, not " + port));
        }
    }

    static void header(String field, String name, String value, List<FieldError> errors) {
        if (!TOKEN.matcher(name).matches()) {
            errors.add(new FieldError(field, "\"" + name + "\" is no header name"));
        }
        if (value.chars().anyMatch(c -> c == '\r' || c == '\n' || c == 0)) {
            errors.add(new FieldError(field, "the value of header " + name + " must be one line"));
        }
    }

    static boolean token(String text) {
        return TOKEN.matcher(text).matches();
    }

    static @Nullable TlsClient tls(@Nullable TlsOptions options, List<FieldError> errors) {
        return options == null ? null : TlsClient.of(options, "tls", errors);
    }
}
