package dev.coppice.kernel;

/** The place of a supervisor below another one. */
final class SupervisorPlace extends ChildNode {
    private final SupervisorNode node;

    SupervisorPlace(SupervisorNode parent, ChildSpec spec, ChildSpec.SupervisorBody body, boolean fixed) {
        super(parent, spec, fixed);
        this.node = new SupervisorNode(parent.kernel(), parent, spec.name(), body);
    }

    @Override
    Run newLife() {
        return new SupervisorRun(this, node);
    }

    @Override
    public SupervisorNode supervisor() {
        return node;
    }
}
