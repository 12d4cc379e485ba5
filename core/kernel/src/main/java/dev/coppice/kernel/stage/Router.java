package dev.coppice.kernel.stage;

import java.util.List;
import java.util.function.BiConsumer;

/** Chooses the lanes of messages, outside of the lock of their junction: the lanes are fixed once it runs. */
final class Router {
    private final List<LaneGroup> groups;
    private final List<Lane> lanes;
    private final BiConsumer<Envelope, RuntimeException> misrouted;
    private Dispatcher<Object> dispatcher = new Dispatcher.Demand<>();

    /** @param misrouted gets those for which the user's function failed, or named no stage */
    Router(List<LaneGroup> groups, List<Lane> lanes, BiConsumer<Envelope, RuntimeException> misrouted) {
        this.groups = groups;
        this.lanes = lanes;
        this.misrouted = misrouted;
    }

    void dispatch(Dispatcher<Object> how) {
        dispatcher = how;
    }

    Dispatcher<Object> dispatcher() {
        return dispatcher;
    }

    /** Sets the lane of each message, or leaves it at none, for all lanes; gives those that go on. */
    List<Envelope> route(List<Envelope> envelopes) {
        switch (dispatcher) {
            case Dispatcher.Broadcast<Object> _ -> {
                return envelopes;
            }
            case Dispatcher.Demand<Object> _ -> {
                Lane only = lanes.getFirst();
                for (Envelope envelope : envelopes) {
                    envelope.lane = only;
                }
                return envelopes;
            }
            case Dispatcher.Partition<Object>(var key) -> {
                return route(envelopes, envelope -> {
                    int hash = key.apply(envelope.value).hashCode();
                    return lanes.get(Math.floorMod(hash ^ (hash >>> 16), lanes.size()));
                });
            }
            case Dispatcher.Route<Object>(var stage) -> {
                return route(envelopes, envelope -> named(stage.apply(envelope.value)));
            }
        }
    }

    private interface Choice {
        Lane lane(Envelope envelope);
    }

    private List<Envelope> route(List<Envelope> envelopes, Choice choice) {
        boolean all = true;
        for (Envelope envelope : envelopes) {
            try {
                envelope.lane = choice.lane(envelope);
            } catch (RuntimeException e) {
                misrouted.accept(envelope, e);
                all = false;
            }
        }
        return all
                ? envelopes
                : envelopes.stream().filter(each -> each.lane != null).toList();
    }

    private Lane named(String stage) {
        for (LaneGroup group : groups) {
            if (group.to.getFirst().name().equals(stage)) {
                return group.lanes.getFirst();
            }
        }
        throw new IllegalArgumentException("no stage \"" + stage + "\" takes from here, only "
                + groups.stream().map(group -> group.to.getFirst().name()).toList());
    }
}
