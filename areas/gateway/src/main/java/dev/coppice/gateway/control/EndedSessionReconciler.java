package dev.coppice.gateway.control;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiException;
import dev.coppice.control.Informer;
import dev.coppice.control.Key;
import dev.coppice.control.Reconciler;
import dev.coppice.control.Resource;
import dev.coppice.control.ResourceClient;
import dev.coppice.control.ResourceClient.Deletion;
import dev.coppice.gateway.authentication.SessionEnd;
import dev.coppice.gateway.authentication.SessionEnds;
import dev.coppice.gateway.kind.EndedSessionSpec;
import dev.coppice.gateway.kind.GatewayKinds;
import dev.coppice.gateway.kind.NoStatus;
import dev.coppice.kernel.Clock;
import dev.coppice.kernel.OccasionalLine;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.DoubleConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Lets all gateways know which sessions issuers have ended: what was ended here becomes a resource, and what resources say is ended here. Both ways the later
 * time counts, so that all come to know the same, in whatever order they hear of it. Resources that say nothing any more are deleted by
 * the gateway that writes statuses. Safe for use by many threads.
 */
final class EndedSessionReconciler
        implements Reconciler<EndedSessionSpec, NoStatus>, SessionEnds.Listener, AutoCloseable {
    private static final System.Logger LOG = System.getLogger(EndedSessionReconciler.class.getName());
    /** Clocks of gateways differ: so long before the end nothing is written any more, and so long after it nothing deleted yet. */
    private static final Duration CLOCKS = Duration.ofMinutes(1);
    /** An API that was away is asked again, however long it was: */
    private static final Duration RETRY = Duration.ofSeconds(1);
    /** and so seldom, by all names together. */
    private static final Duration BETWEEN_RETRIES = Duration.ofMillis(10);

    private final SessionEnds ends;
    private final Informer<EndedSessionSpec, NoStatus> known;
    private final Clock clock;
    private final BooleanSupplier deletes;
    private final DoubleConsumer untoldCount;
    private final OccasionalLine complaints;
    /** Names that could not be written; not more than {@link SessionEnds} has. */
    private final Set<String> untold = ConcurrentHashMap.newKeySet();

    private volatile @Nullable Consumer<Key> waker;

    /**
     * @param known what there is
     * @param deletes whether what says nothing any more is deleted here now, or by another gateway
     * @param untoldCount told how many names of sessions and subjects others cannot know yet
     */
    EndedSessionReconciler(
            SessionEnds ends,
            Informer<EndedSessionSpec, NoStatus> known,
            Clock clock,
            BooleanSupplier deletes,
            DoubleConsumer untoldCount) {
        this.ends = ends;
        this.known = known;
        this.clock = clock;
        this.deletes = deletes;
        this.untoldCount = untoldCount;
        this.complaints = new OccasionalLine(LOG, clock);
    }

    /** From now on it hears what is ended here; all that was before is compared. */
    void begin(Consumer<Key> wakes) {
        waker = wakes;
        ends.tells(this);
        changed();
    }

    @Override
    public void ended(String name) {
        Consumer<Key> wakes = waker;
        if (wakes != null) {
            wakes.accept(new Key("", name));
        }
    }

    @Override
    public void changed() {
        known.list().forEach(each -> ended(each.name()));
        ends.names().forEach(this::ended);
    }

    @Override
    public Result reconcile(Request<EndedSessionSpec, NoStatus> request) {
        String name = request.key().name();
        Resource<EndedSessionSpec, NoStatus> there = request.resource().orElse(null);
        if (there != null) {
            merge(read(there.spec()));
        }
        if (!tell(name, there, request.resources())) {
            Duration turn = BETWEEN_RETRIES.multipliedBy(untold.size());
            return Result.again(turn.compareTo(RETRY) > 0 ? turn : RETRY);
        }
        if (there == null || there.deleting() || !deletes.getAsBoolean()) {
            return Result.DONE;
        }
        Duration left = Duration.between(now(), there.spec().expirationTime().plus(CLOCKS));
        if (left.isPositive() && !ends.covers(read(there.spec()))) {
            return Result.again(left);
        }
        delete(there, request.resources());
        return Result.DONE;
    }

    private Instant now() {
        return Instant.ofEpochMilli(clock.currentTimeMillis());
    }

    private static SessionEnd read(EndedSessionSpec spec) {
        return new SessionEnd(
                spec.issuer(),
                spec.clientID(),
                SessionEnd.Scope.of(spec.scope()),
                Objects.requireNonNullElse(spec.hash(), ""),
                spec.endedTime().toEpochMilli(),
                spec.expirationTime().toEpochMilli());
    }

    private void merge(SessionEnd end) {
        try {
            ends.merge(end);
        } catch (IOException e) {
            complaints.warn(
                    "which sessions issuers have ended cannot be written down here, and is not known after a restart until the API answers: "
                            + e);
        }
    }

    /** Writes what is known here and not there; whether there is nothing left to write. */
    private boolean tell(String name, @Nullable Resource<EndedSessionSpec, NoStatus> there, ResourceClient client) {
        boolean told = ends.find(name)
                .filter(own -> there == null || there.spec().endedTime().toEpochMilli() < own.atMillis())
                .filter(own -> Instant.ofEpochMilli(own.untilMillis()).isAfter(now().plus(CLOCKS)))
                .map(news -> write(news, there, client))
                .orElse(true);
        if (told ? untold.remove(name) : untold.add(name)) {
            untoldCount.accept(untold.size());
        }
        return told;
    }

    private boolean write(SessionEnd own, @Nullable Resource<EndedSessionSpec, NoStatus> there, ResourceClient client) {
        try {
            ObjectNode _ = there == null
                    ? client.create(GatewayKinds.ENDED_SESSION.type(), object(own))
                    : client.update(GatewayKinds.ENDED_SESSION.type(), later(own, there));
            return true;
        } catch (ApiException e) {
            // 409: another gateway was faster, which is seen in a moment; 404: it was deleted.
            if (e.code() != 409 && e.code() != 404) {
                complaints.warn(
                        "other gateways cannot know yet which sessions issuers have ended here: " + e.getMessage());
            }
            return false;
        }
    }

    private static ObjectNode object(SessionEnd end) {
        ObjectNode made = JsonNodeFactory.instance.objectNode();
        made.put("apiVersion", GatewayKinds.ENDED_SESSION.type().apiVersion())
                .put("kind", GatewayKinds.ENDED_SESSION.kind());
        made.putObject("metadata").put("name", end.name());
        ObjectNode spec = made.putObject("spec");
        spec.put("issuer", end.issuer()).put("clientID", end.clientId()).put("scope", end.scope().word);
        if (!end.hash().isEmpty()) {
            spec.put("hash", end.hash());
        }
        return times(made, end.atMillis(), end.untilMillis());
    }

    private static ObjectNode later(SessionEnd end, Resource<EndedSessionSpec, NoStatus> there) {
        return times(
                there.tree().deepCopy(),
                end.atMillis(),
                Math.max(end.untilMillis(), there.spec().expirationTime().toEpochMilli()));
    }

    private static ObjectNode times(ObjectNode object, long atMillis, long untilMillis) {
        object.withObject("/spec")
                .put("endedTime", Instant.ofEpochMilli(atMillis).toString())
                .put("expirationTime", Instant.ofEpochMilli(untilMillis).toString());
        return object;
    }

    private static void delete(Resource<EndedSessionSpec, NoStatus> there, ResourceClient client) {
        try {
            boolean _ = client.delete(
                    GatewayKinds.ENDED_SESSION.type(),
                    "",
                    there.name(),
                    new Deletion(Deletion.Propagation.BACKGROUND, there.uid()));
        } catch (ApiException e) {
            // Somebody made another one meanwhile.
            if (e.code() != 409) {
                throw e;
            }
        }
    }

    /** What is ended from now on is told by who begins next. */
    @Override
    public void close() {
        ends.tells(null);
        waker = null;
    }
}
