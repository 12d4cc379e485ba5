package dev.coppice.gateway.transcode;

import java.util.List;

/** Descriptors, or the bindings in them, cannot be used; all problems are told together. */
public final class InvalidDescriptorsException extends Exception {
    private static final long serialVersionUID = 1;

    InvalidDescriptorsException(List<String> problems) {
        super(String.join("; ", problems), null, false, false);
    }
}
