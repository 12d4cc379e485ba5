package dev.coppice.store.raft;

import dev.coppice.distribution.codec.ByteReader;
import dev.coppice.distribution.codec.ByteWriter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What was answered to commands that may be sent again, part of a group's replicated state: so a command that is sent twice is
 * applied once. A sender tells with each command up to where it has all its answers, which are forgotten. For one thread.
 *
 * @see <a href="https://web.stanford.edu/~ouster/cgi-bin/papers/OngaroPhD.pdf">Ongaro, Consensus: Bridging Theory and
 *     Practice (2014), section 6.3</a>
 */
final class GroupSessions {
    /** Senders that are remembered: lives of nodes that sent commands, the latest. */
    static final int MAX_SENDERS = 1_000;

    private final LinkedHashMap<Long, Session> sessions = new LinkedHashMap<>(16, 0.75f, true);

    private static final class Session {
        private long lowest;
        private final TreeMap<Long, byte[]> answers = new TreeMap<>();
    }

    /** What was answered before; null when the command is new. Empty when its sender does not wait for it any more. */
    byte @Nullable [] answered(long sender, long number) {
        Session session = sessions.get(sender);
        if (session == null) {
            return null;
        }
        return number < session.lowest ? new byte[0] : session.answers.get(number);
    }

    void keep(long sender, long number, long lowest, byte[] answer) {
        Session session = sessions.computeIfAbsent(sender, _ -> new Session());
        session.lowest = Math.max(session.lowest, lowest);
        session.answers.put(number, answer);
        session.answers.headMap(session.lowest).clear();
        while (sessions.size() > MAX_SENDERS) {
            sessions.remove(sessions.keySet().iterator().next());
        }
    }

    void write(ByteWriter out) {
        out.unsigned(sessions.size());
        for (Map.Entry<Long, Session> each : sessions.entrySet()) {
            Session session = each.getValue();
            out.fixed(each.getKey()).signed(session.lowest).unsigned(session.answers.size());
            session.answers.forEach((number, answer) -> out.signed(number).bytes(answer));
        }
    }

    static GroupSessions read(ByteReader in) {
        GroupSessions read = new GroupSessions();
        int senders = in.count();
        for (int i = 0; i < senders; i++) {
            Session session = new Session();
            read.sessions.put(in.fixed(), session);
            session.lowest = in.signed();
            int answers = in.count();
            for (int j = 0; j < answers; j++) {
                session.answers.put(in.signed(), in.bytes());
            }
        }
        return read;
    }
}
