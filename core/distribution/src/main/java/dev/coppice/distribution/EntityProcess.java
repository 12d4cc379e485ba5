package dev.coppice.distribution;

import dev.coppice.distribution.codec.MessageCodec;
import dev.coppice.kernel.Behavior;
import dev.coppice.kernel.ExitReason;
import dev.coppice.kernel.ProcessContext;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The process of an entity. Its mail is the entity's, and {@link Release}. */
final class EntityProcess<M> implements Behavior<Object> {

    /** The entity moves: answered with its state. */
    record Release(Consumer<Optional<byte[]>> answer) {}

    private final String id;
    private final Entity.Factory<M> factory;
    private final MessageCodec codec;
    private final int maxBytes;
    private byte @Nullable [] state;
    private @Nullable Entity<M> entity;

    EntityProcess(String id, Entity.Factory<M> factory, MessageCodec codec, int maxBytes, byte @Nullable [] state) {
        this.id = id;
        this.factory = factory;
        this.codec = codec;
        this.maxBytes = maxBytes;
        this.state = state;
    }

    @Override
    public void handle(ProcessContext<Object> self, Object message) throws Exception {
        if (message instanceof Release release) {
            // Nobody began to use it: what it was to begin with is what it leaves.
            byte[] left = entity == null ? state : left(entity);
            release.answer.accept(Optional.ofNullable(left));
            self.stop();
            return;
        }
        entity(self).handle(context(self), mail(message));
    }

    private byte @Nullable [] left(Entity<M> living) {
        Object left = living.handOver();
        return left == null ? null : codec.encode(left, maxBytes);
    }

    /** Made with the first message, in its own thread. */
    private Entity<M> entity(ProcessContext<Object> self) throws Exception {
        Entity<M> known = entity;
        if (known == null) {
            byte[] begin = state;
            known = factory.make(id, begin == null ? null : codec.decode(begin));
            known.init(context(self));
            entity = known;
            state = null;
        }
        return known;
    }

    @SuppressWarnings("unchecked")
    private M mail(Object message) {
        return (M) message;
    }

    @SuppressWarnings("unchecked")
    private static <M> ProcessContext<M> context(ProcessContext<Object> self) {
        return (ProcessContext<M>) (ProcessContext<?>) self;
    }

    @Override
    public @Nullable Object describe() {
        return entity == null ? null : entity.describe();
    }

    @Override
    public void terminate(ProcessContext<Object> self, ExitReason reason) throws Exception {
        if (entity != null) {
            entity.terminate(context(self), reason);
        }
    }
}
