package dev.coppice.gateway.function;

import dev.coppice.gateway.filter.FilterRequest;

/**
 * A request as a function sees it. Immutable, but for the body, which is the function's own.
 *
 * @param head what filters see of it, and of its body what was waited for
 * @param protocol such as HTTP/1.1 or HTTP/2.0
 * @param source the client's address and port
 * @param bodyThere whether its body was waited for: all of it, or as much as a function may see and the word that there is more
 */
public record FunctionRequest(FilterRequest head, String protocol, String source, boolean bodyThere) {

    /** The same for those that read the body no more. */
    FunctionRequest withoutBody() {
        return head.body().length == 0
                ? this
                : new FunctionRequest(
                        new FilterRequest(
                                head.method(),
                                head.scheme(),
                                head.host(),
                                head.path(),
                                head.query(),
                                head.headers(),
                                head.client(),
                                head.subject(),
                                head.route(),
                                new byte[0],
                                false),
                        protocol,
                        source,
                        false);
    }
}
