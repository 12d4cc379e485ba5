package dev.coppice.coordination.control;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.process.ProcessNames;
import dev.coppice.coordination.contention.Contender;
import dev.coppice.coordination.contention.Queue;
import dev.coppice.coordination.contention.Standing;
import dev.coppice.coordination.kind.ElectionSpec;
import dev.coppice.coordination.kind.ElectionStatus;
import dev.coppice.coordination.kind.LockSpec;
import dev.coppice.coordination.kind.LockStatus;
import dev.coppice.coordination.kind.Party;
import dev.coppice.schema.RecordMapper;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Queues as objects of the resource API. */
public final class Views {
    static final int MOST_IN_ONE = 1_000;
    static final int MOST_IN_LISTS = 10;

    private Views() {}

    /** The name of the resource, made as those of processes are: {@code jobs/nightly} is {@code jobs.nightly}. */
    public static String resourceName(String name) {
        return ProcessNames.name("/" + name);
    }

    /** A uid that is the same as long as somebody contends, for events about it. */
    public static String uid(String name) {
        return UUID.nameUUIDFromBytes(name.getBytes(StandardCharsets.UTF_8)).toString();
    }

    static ObjectNode lock(Queue queue, boolean deadlocked, int most) {
        List<Standing> holders = queue.holders();
        List<Standing> waiters = queue.waiters();
        int permits = queue.first().map(each -> each.contender().permits()).orElse(1);
        boolean counted = queue.sort() == Queue.Sort.SEMAPHORE || queue.sort() == Queue.Sort.BARRIER;
        LockSpec spec = new LockSpec(queue.name(), queue.sort().word(), counted ? permits : null);
        LockStatus status = new LockStatus(
                holders.isEmpty() ? null : shown(holders),
                since(holders),
                token(holders),
                holders.size(),
                waiters.size(),
                since(waiters),
                deadlocked,
                parties(holders, most),
                parties(waiters, most));
        return object(queue, RecordMapper.fromRecord(spec), RecordMapper.fromRecord(status));
    }

    static ObjectNode election(Queue queue, boolean deadlocked, int most) {
        List<Standing> holders = queue.holders();
        ElectionStatus status = new ElectionStatus(
                holders.isEmpty() ? null : holders.getFirst().contender().who(),
                since(holders),
                token(holders),
                queue.waiters().size(),
                deadlocked,
                parties(queue.standings(), most));
        return object(queue, RecordMapper.fromRecord(new ElectionSpec(queue.name())), RecordMapper.fromRecord(status));
    }

    private static String shown(List<Standing> holders) {
        String first = holders.getFirst().contender().who();
        return holders.size() == 1 ? first : first + " and " + (holders.size() - 1) + " more";
    }

    private static @Nullable Instant since(List<Standing> standings) {
        return standings.isEmpty() ? null : seconds(standings.getFirst().since());
    }

    private static @Nullable Long token(List<Standing> holders) {
        return holders.isEmpty() ? null : holders.getLast().contender().token();
    }

    private static Instant seconds(Instant time) {
        return time.truncatedTo(ChronoUnit.MILLIS);
    }

    private static List<Party> parties(List<Standing> standings, int most) {
        return standings.stream().limit(most).map(Views::party).toList();
    }

    private static Party party(Standing standing) {
        Contender contender = standing.contender();
        return new Party(
                contender.who(),
                contender.owner(),
                Long.toHexString(contender.lease()),
                contender.key().toStringUtf8(),
                contender.role().name().toLowerCase(Locale.ROOT),
                contender.token(),
                seconds(standing.since()),
                standing.exact() ? null : true);
    }

    private static ObjectNode object(Queue queue, ObjectNode spec, ObjectNode status) {
        ObjectNode object = JsonNodeFactory.instance.objectNode();
        ObjectNode metadata = object.putObject("metadata");
        metadata.put("name", resourceName(queue.name()));
        metadata.put("uid", uid(queue.name()));
        object.set("spec", spec);
        object.set("status", status);
        return object;
    }
}
