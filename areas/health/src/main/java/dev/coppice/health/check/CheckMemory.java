package dev.coppice.health.check;

import dev.coppice.health.series.Ledger;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Optional;

/** What the engine remembers over restarts about each check, by its uid. A full disk costs memory of the latest changes only. */
public final class CheckMemory {
    private static final System.Logger LOG = System.getLogger(CheckMemory.class.getName());

    private final Ledger ledger;

    public CheckMemory(Ledger ledger) {
        this.ledger = ledger;
    }

    Optional<Machine> machine(String uid) {
        return ledger.get("machine/" + uid).flatMap(MachineCodec::read);
    }

    void keep(String uid, Machine machine) {
        write(new Ledger.Batch().put("machine/" + uid, MachineCodec.write(machine)));
    }

    long probedGeneration(String uid) {
        return number("probed/" + uid).orElse(-1L);
    }

    void probed(String uid, long generation) {
        write(new Ledger.Batch().put("probed/" + uid, bytes(generation)));
    }

    Optional<Instant> lastBeat(String uid) {
        return number("beat/" + uid).map(Instant::ofEpochMilli);
    }

    void beat(String uid, Instant at) {
        write(new Ledger.Batch().put("beat/" + uid, bytes(at.toEpochMilli())));
    }

    void forget(String uid) {
        write(new Ledger.Batch()
                .remove("machine/" + uid)
                .remove("probed/" + uid)
                .remove("beat/" + uid));
    }

    private Optional<Long> number(String key) {
        return ledger.get(key)
                .filter(b -> b.length == 8)
                .map(b -> ByteBuffer.wrap(b).getLong());
    }

    private static byte[] bytes(long value) {
        return ByteBuffer.allocate(8).putLong(value).array();
    }

    private void write(Ledger.Batch batch) {
        try {
            ledger.write(batch);
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "the state of a check was not kept", e);
        }
    }
}
