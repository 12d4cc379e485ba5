package dev.coppice.expression;

import dev.cel.common.types.OpaqueType;
import dev.cel.common.values.OpaqueValue;
import org.jspecify.annotations.Nullable;

/** A value of a library's own type; equal when type and content are equal. */
abstract class Opaque extends OpaqueValue {

    private final OpaqueType type;

    Opaque(OpaqueType type) {
        this.type = type;
    }

    /** What it is told apart by. */
    abstract Object content();

    @Override
    public final Opaque value() {
        return this;
    }

    @Override
    public final OpaqueType celType() {
        return type;
    }

    @Override
    public final boolean equals(@Nullable Object other) {
        return other instanceof Opaque that
                && type.equals(that.type)
                && content().equals(that.content());
    }

    @Override
    public final int hashCode() {
        return content().hashCode();
    }
}
