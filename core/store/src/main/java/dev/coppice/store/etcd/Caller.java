package dev.coppice.store.etcd;

import org.jspecify.annotations.Nullable;

/**
 * Who sends a request.
 *
 * @param user the user, or null when it showed none
 * @param root whether a certificate makes it an administrator of everything
 */
record Caller(@Nullable String user, boolean root) {

    static final Caller ANONYMOUS = new Caller(null, false);

    /** What a method asks of its caller. */
    enum Access {
        /** Nothing: signing in. */
        OPEN,
        /** Nothing more than what the method itself asks for, key by key, once it has looked at the request's form. */
        CHECKED,
        /** To be known; what it may touch is looked at key by key. */
        KNOWN,
        /** To be an administrator. */
        ADMINISTRATOR
    }
}
