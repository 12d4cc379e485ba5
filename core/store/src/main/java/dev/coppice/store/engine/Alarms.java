package dev.coppice.store.engine;

import dev.coppice.store.api.AlarmMember;
import dev.coppice.store.api.AlarmRequest;
import dev.coppice.store.api.AlarmResponse;
import dev.coppice.store.api.AlarmType;
import java.nio.ByteBuffer;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The alarms of a keyspace, each with the member that it is about: changed by the applying thread, read by any. */
final class Alarms {

    private static final int ENTRY_BYTES = 1 + Long.BYTES;

    private static final Comparator<AlarmMember> ORDER =
            Comparator.comparing(AlarmMember::getAlarm).thenComparing(AlarmMember::getMemberID, Long::compareUnsigned);

    private final byte[] storedAt;
    private volatile List<AlarmMember> active;

    Alarms(Database database, byte[] storedAt) {
        this.storedAt = storedAt;
        active = List.copyOf(decode(database.get(Database.Family.META, storedAt)));
    }

    /** Nine bytes each; those that were kept first are one byte each, and name no member. */
    static Set<AlarmMember> decode(byte @Nullable [] stored) {
        Set<AlarmMember> loaded = new TreeSet<>(ORDER);
        ByteBuffer left = ByteBuffer.wrap(stored == null ? new byte[0] : stored);
        boolean named = left.remaining() % ENTRY_BYTES == 0;
        while (left.hasRemaining()) {
            AlarmType alarm = AlarmType.forNumber(left.get());
            long member = named ? left.getLong() : 0;
            if (alarm != null) {
                loaded.add(member(alarm, member));
            }
        }
        return loaded;
    }

    static byte[] encode(Set<AlarmMember> alarms) {
        ByteBuffer stored = ByteBuffer.allocate(alarms.size() * ENTRY_BYTES);
        for (AlarmMember each : alarms) {
            stored.put((byte) each.getAlarmValue()).putLong(each.getMemberID());
        }
        return stored.array();
    }

    static Set<AlarmMember> sorted() {
        return new TreeSet<>(ORDER);
    }

    Set<AlarmType> types() {
        return active.stream().map(AlarmMember::getAlarm).collect(Collectors.toSet());
    }

    List<AlarmMember> members() {
        return active;
    }

    /** With etcd's rules: an alarm is one of a kind about one member; only exactly that one is taken back. */
    AlarmResponse.Builder apply(Batch batch, AlarmRequest request) {
        AlarmResponse.Builder response = AlarmResponse.newBuilder();
        if (request.getAlarm() == AlarmType.UNRECOGNIZED) {
            return response;
        }
        AlarmMember named = member(request.getAlarm(), request.getMemberID());
        Set<AlarmMember> next = sorted();
        next.addAll(active);
        switch (request.getAction()) {
            case ACTIVATE -> {
                next.add(named);
                response.addAlarms(named);
            }
            case DEACTIVATE -> {
                if (next.remove(named)) {
                    response.addAlarms(named);
                }
            }
            case GET ->
                active.stream()
                        .filter(each -> request.getAlarm() == AlarmType.NONE || each.getAlarm() == request.getAlarm())
                        .forEach(response::addAlarms);
            case UNRECOGNIZED -> {}
        }
        active = List.copyOf(next);
        batch.put(Database.Family.META, storedAt, encode(next));
        return response;
    }

    private static AlarmMember member(AlarmType alarm, long memberId) {
        return AlarmMember.newBuilder().setMemberID(memberId).setAlarm(alarm).build();
    }
}
