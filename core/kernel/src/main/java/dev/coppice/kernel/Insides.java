package dev.coppice.kernel;

import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** What the inspector reads of the inside of a child. */
final class Insides {
    private Insides() {}

    /** The object that holds its state: a behaviour, a service, a task; null when there is none. */
    static @Nullable Object root(Supervisor.Child child) {
        Run life = life(child);
        return switch (child.spec().body()) {
            case ChildSpec.TaskBody body -> body.task();
            case ChildSpec.PeriodicBody body -> body.action();
            case ChildSpec.ServiceBody _ -> life instanceof ServiceRun run ? run.service() : null;
            case ChildSpec.ProcessBody _ -> life instanceof ProcessRun<?> run ? run.behavior() : null;
            case ChildSpec.SupervisorBody _ -> null;
        };
    }

    /** The bytes of what the kernel itself keeps of it, but for its mailbox. */
    static long ownBytes(Supervisor.Child child) {
        Run life = life(child);
        return Footprint.shallow(child.getClass()) + (life == null ? 0 : Footprint.shallow(life.getClass()));
    }

    /** Processes that it lives and dies with; empty for other sorts. */
    static OptionalInt links(Supervisor.Child child) {
        if (!(life(child) instanceof MailRun<?> run)) {
            return OptionalInt.empty();
        }
        Relations ties = run.ties();
        return OptionalInt.of(ties == null ? 0 : ties.linked());
    }

    /** Others that watch it; empty for other sorts. */
    static OptionalInt monitors(Supervisor.Child child) {
        if (!(life(child) instanceof MailRun<?> run)) {
            return OptionalInt.empty();
        }
        Relations ties = run.ties();
        return OptionalInt.of(ties == null ? 0 : ties.watched());
    }

    private static @Nullable Run life(Supervisor.Child child) {
        return child instanceof ChildNode node ? node.life() : null;
    }
}
