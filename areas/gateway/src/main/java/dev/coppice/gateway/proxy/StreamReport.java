package dev.coppice.gateway.proxy;

import dev.coppice.expression.Variables;
import dev.coppice.gateway.log.LogField;
import dev.coppice.gateway.tap.TappedRequest;
import java.util.Locale;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What is told of a stream, or of a client's datagrams, when that is over. Immutable.
 *
 * @param protocol {@code TCP}, {@code TLS} or {@code UDP}
 * @param client its address
 * @param serverName that a client asked for in TLS; empty where it named none
 * @param route {@code NAMESPACE/NAME}; empty when none wanted it
 * @param upstream its name; empty when it did not come that far
 * @param endpoint that was connected to last; empty when none was
 * @param tries how many endpoints were connected to
 * @param bytesIn of the client
 * @param bytesOut to the client
 * @param nanos from its beginning to its end
 * @param status 200; 502 where no endpoint could be reached; 503 where the gateway refused it (as nginx numbers sessions)
 * @param reason why it ended, unless as streams do
 */
record StreamReport(
        String protocol,
        String client,
        String serverName,
        String route,
        String upstream,
        String endpoint,
        int tries,
        long bytesIn,
        long bytesOut,
        long nanos,
        int status,
        String reason)
        implements TappedRequest, Reported {

    static final int OK = 200;
    static final int UNREACHABLE = 502;
    static final int REFUSED = 503;

    @Override
    public boolean stream() {
        return true;
    }

    @Override
    public Variables variables() {
        return name -> switch (name) {
            case "request.scheme" -> protocol.toLowerCase(Locale.ROOT);
            case "request.host" -> serverName;
            case "request.headers", "auth.claims" -> Map.of();
            case "source.address" -> client;
            case "response.code" -> (long) status;
            case "response.millis" -> nanos / 1_000_000;
            case "response.bytes" -> bytesOut;
            case "response.reason" -> reason;
            case "request.bytes" -> bytesIn;
            case "route.name" -> route;
            default -> "";
        };
    }

    @Override
    public String text(LogField field) {
        return switch (field) {
            case CLIENT -> client;
            case HOST -> serverName;
            case PROTOCOL -> protocol;
            case ROUTE -> route;
            case UPSTREAM -> upstream;
            case ENDPOINT -> endpoint;
            case REASON -> reason;
            default -> "";
        };
    }

    @Override
    public long number(LogField field) {
        return switch (field) {
            case STATUS -> status;
            case BYTES_IN -> bytesIn;
            case BYTES_OUT -> bytesOut;
            case MICROS -> nanos / 1000;
            case TRIES -> tries;
            default -> throw new IllegalArgumentException(field.word());
        };
    }

    /** It has none. */
    @Override
    public void requestHeaders(BiConsumer<String, String> each) {}

    /** It has none. */
    @Override
    public void responseHeaders(BiConsumer<String, String> each) {}

    @Override
    public @Nullable String requestHeader(String name) {
        return null;
    }

    @Override
    public @Nullable String responseHeader(String name) {
        return null;
    }
}
