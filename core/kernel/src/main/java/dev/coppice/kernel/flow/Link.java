package dev.coppice.kernel.flow;

/** One step of one worker, which gives what it makes to the next one. Used by one thread. */
abstract class Link {
    final Link next;

    Link(Link next) {
        this.next = next;
    }

    /** The last one. */
    private Link() {
        this.next = this;
    }

    abstract void accept(Object item) throws Exception;

    /** Some items were dealt with, or some time went by. */
    void pause() throws Exception {
        next.pause();
    }

    /** There are no more. */
    void end() throws Exception {
        next.end();
    }

    /** Ends a chain. */
    abstract static class Last extends Link {
        @Override
        void pause() throws Exception {}

        @Override
        void end() throws Exception {}
    }
}
