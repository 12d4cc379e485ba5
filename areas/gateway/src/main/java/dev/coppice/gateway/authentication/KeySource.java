package dev.coppice.gateway.authentication;

import org.jspecify.annotations.Nullable;

/** Where keys come from that verify tokens. Safe for use by many threads; never blocks. */
interface KeySource {
    /** The keys that are known; null while there are none. */
    @Nullable
    VerificationKeys current();

    /**
     * Looks whether there are newer ones.
     *
     * @param done called once, by another thread, when that is known
     * @return whether it looks; if not, {@code done} is never called
     */
    boolean renew(Runnable done);

    /** Those that are in the configuration. */
    static KeySource of(@Nullable VerificationKeys keys) {
        return new KeySource() {
            @Override
            public @Nullable VerificationKeys current() {
                return keys;
            }

            @Override
            public boolean renew(Runnable done) {
                return false;
            }
        };
    }
}
