package dev.coppice.gateway.tap;

import dev.coppice.expression.Variables;
import dev.coppice.gateway.log.LoggedRequest;
import java.util.function.BiConsumer;

/** A request that is over, or a stream, as those who watch are shown it. */
public interface TappedRequest extends LoggedRequest {
    /** {@code NAMESPACE/NAME}; empty when no route wanted it. */
    String route();

    /** What conditions may know of it. */
    Variables variables();

    /** The names and values of its headers, credentials masked. */
    void requestHeaders(BiConsumer<String, String> each);

    /** Those of the answer. */
    void responseHeaders(BiConsumer<String, String> each);
}
