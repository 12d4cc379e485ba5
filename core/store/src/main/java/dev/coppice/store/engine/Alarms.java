package dev.coppice.store.engine;

import dev.coppice.store.api.AlarmMember;
import dev.coppice.store.api.AlarmRequest;
import dev.coppice.store.api.AlarmResponse;
import dev.coppice.store.api.AlarmType;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** The alarms of a keyspace: changed by the applying thread, read by any. */
final class Alarms {

    private final byte[] storedAt;
    private volatile Set<AlarmType> active;

    Alarms(Database database, byte[] storedAt) {
        this.storedAt = storedAt;
        active = Set.copyOf(decode(database.get(Database.Family.META, storedAt)));
    }

    static Set<AlarmType> decode(byte @Nullable [] stored) {
        Set<AlarmType> loaded = new TreeSet<>();
        for (byte each : stored == null ? new byte[0] : stored) {
            AlarmType alarm = AlarmType.forNumber(each);
            if (alarm != null) {
                loaded.add(alarm);
            }
        }
        return loaded;
    }

    static byte[] encode(Set<AlarmType> alarms) {
        byte[] stored = new byte[alarms.size()];
        int at = 0;
        for (AlarmType alarm : alarms) {
            stored[at++] = (byte) alarm.getNumber();
        }
        return stored;
    }

    Set<AlarmType> active() {
        return active;
    }

    AlarmResponse.Builder apply(Batch batch, AlarmRequest request, long memberId) {
        AlarmResponse.Builder response = AlarmResponse.newBuilder();
        Set<AlarmType> next = new TreeSet<>(active);
        switch (request.getAction()) {
            case ACTIVATE -> {
                if (request.getAlarm() != AlarmType.NONE) {
                    next.add(request.getAlarm());
                    response.addAlarms(member(request.getAlarm(), memberId));
                }
            }
            case DEACTIVATE -> {
                for (AlarmType alarm : active) {
                    if (request.getAlarm() == AlarmType.NONE || request.getAlarm() == alarm) {
                        next.remove(alarm);
                        response.addAlarms(member(alarm, memberId));
                    }
                }
            }
            case GET, UNRECOGNIZED -> active.forEach(alarm -> response.addAlarms(member(alarm, memberId)));
        }
        active = Set.copyOf(next);
        batch.put(Database.Family.META, storedAt, encode(next));
        return response;
    }

    private static AlarmMember member(AlarmType alarm, long memberId) {
        return AlarmMember.newBuilder().setMemberID(memberId).setAlarm(alarm).build();
    }
}
