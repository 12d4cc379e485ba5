package dev.coppice.store.etcd;

import dev.coppice.store.engine.AuthState;

/** Gives tokens to users who have signed in, and recognises them. Safe for use by many threads. */
sealed interface Tokens permits SimpleTokens, SignedTokens {

    /** A token for a user whose password was right. */
    String give(String user, AuthState auth);

    /**
     * Whose token it is.
     *
     * @throws dev.coppice.store.StoreException when it is not, or no longer, a token
     */
    String userOf(String token, AuthState auth);
}
