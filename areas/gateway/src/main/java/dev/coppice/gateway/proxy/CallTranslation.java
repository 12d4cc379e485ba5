package dev.coppice.gateway.proxy;

import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpResponse;
import org.jspecify.annotations.Nullable;

/**
 * A call that its client makes in another form than its endpoint takes. Made with the request's head, which it changes; used on its event loop
 * only.
 */
interface CallTranslation {

    /** The request's body is not what the client says that it is. */
    final class MalformedException extends Exception {
        private static final long serialVersionUID = 1;

        MalformedException(String message) {
            super(message, null, false, false);
        }
    }

    /** The client's form, in metrics. */
    String form();

    /**
     * Takes a part of the request's body over.
     *
     * @return what the endpoint gets of it; null: nothing yet
     */
    @Nullable
    HttpContent request(HttpContent part) throws MalformedException;

    /** Takes over the head of an answer, perhaps one of another try: {@link #head} gives it back. */
    void response(HttpResponse head);

    /** The head that the client gets, once, as soon as all of it is known; else null. */
    @Nullable
    HttpResponse head();

    /**
     * Takes a part of the answer's body over.
     *
     * @return what the client gets of it; null: nothing yet
     */
    @Nullable
    HttpContent response(HttpContent part);

    /** Whether the answer that has begun cannot be brought to its end, so that its client has to see it break off. */
    default boolean broken() {
        return false;
    }

    /**
     * An answer of the gateway's own in the client's form.
     *
     * @param code as which it counts
     */
    DefaultFullHttpResponse own(DefaultFullHttpResponse answer, int code);
}
