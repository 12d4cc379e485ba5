package dev.coppice.kernel;

/** The place of a task, a service or a periodic action. */
final class WorkPlace extends ChildNode {

    WorkPlace(SupervisorNode parent, ChildSpec spec, boolean fixed) {
        super(parent, spec, fixed);
    }

    @Override
    Run newLife() {
        return switch (spec().body()) {
            case ChildSpec.TaskBody body -> new TaskRun(this, body.task(), null);
            case ChildSpec.ServiceBody body -> new ServiceRun(this, body.service());
            case ChildSpec.PeriodicBody body -> new TaskRun(this, body.action(), body);
            case ChildSpec.ProcessBody _, ChildSpec.SupervisorBody _ ->
                throw new IllegalStateException(path() + " is a " + spec().sort());
        };
    }
}
