package dev.coppice.store.coordination;

import com.google.protobuf.ByteString;

/** Checks the names of locks and elections. */
final class Names {
    private static final int LONGEST_BYTES = 1_024;

    private Names() {}

    static ByteString check(String name) {
        ByteString bytes = ByteString.copyFromUtf8(name);
        if (name.isEmpty() || bytes.size() > LONGEST_BYTES || name.endsWith("/")) {
            throw new IllegalArgumentException(
                    "name \"" + name + "\": expected 1 to " + LONGEST_BYTES + " bytes that do not end with '/'");
        }
        return bytes;
    }
}
