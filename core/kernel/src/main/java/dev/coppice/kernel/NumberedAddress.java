package dev.coppice.kernel;

import java.util.function.Supplier;

/** The place of a process that was {@linkplain Supervisor#spawn spawned}: it shares its specification and has a number. */
final class NumberedAddress<M> extends ProcessAddress<M> {
    private final Supplier<? extends Behavior<M>> source;
    private final long number;

    NumberedAddress(
            SupervisorNode parent,
            ChildSpec spec,
            ChildSpec.ProcessBody body,
            Supplier<? extends Behavior<M>> source,
            long number) {
        super(parent, spec, body, false);
        this.source = source;
        this.number = number;
    }

    @Override
    Behavior<M> newBehavior() {
        return source.get();
    }

    @Override
    public String childName() {
        return super.childName() + Children.NUMBER + number;
    }

    long number() {
        return number;
    }
}
