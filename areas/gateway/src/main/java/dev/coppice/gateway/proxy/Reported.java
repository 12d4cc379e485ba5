package dev.coppice.gateway.proxy;

import dev.coppice.expression.Variables;
import dev.coppice.gateway.log.LoggedRequest;

/** A request or a stream that is over, as access logs decide whether they have it. */
interface Reported extends LoggedRequest {
    /** How it ended, as a status of HTTP. */
    int status();

    /** How long it took. */
    long nanos();

    /** What conditions may know of it. */
    Variables variables();
}
