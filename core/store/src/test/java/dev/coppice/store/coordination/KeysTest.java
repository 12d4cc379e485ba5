package dev.coppice.store.coordination;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Keys and values of contenders, written and read. */
final class KeysTest {
    private static ByteString bytes(String text) {
        return ByteString.copyFromUtf8(text);
    }

    @Test
    void keysAreReadAsTheyWereWritten() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        for (int round = 0; round < 2_000; round++) {
            long lease = random.nextBoolean() ? random.nextLong(1, Long.MAX_VALUE) : random.nextLong(1, 100);
            String name = "n" + "/a-f0".repeat(random.nextInt(3)) + random.nextInt(100);
            assertThat(ContenderKey.parse(ContenderKey.of(bytes(name), lease)))
                    .as("seed %d", seed)
                    .contains(new ContenderKey(bytes(name), lease));
        }
    }

    @Test
    void otherKeysAreNone() {
        for (String key :
                new String[] {"", "/", "a", "a/", "a/0", "a/0ff", "a/xyz", "a/FF", "/ff", "a/11112222333344445"}) {
            assertThat(ContenderKey.parse(bytes(key))).as(key).isEmpty();
        }
        assertThat(ContenderKey.parse(bytes("registry/events/beef"))).isPresent();
    }

    @Test
    void notesAreReadAsTheyWereWritten() {
        for (LockNote.Kind kind : LockNote.Kind.values()) {
            for (String owner : new String[] {null, "alice", "team/a@b:c-d_e.f"}) {
                int permits = kind == LockNote.Kind.SEMAPHORE || kind == LockNote.Kind.BARRIER ? 3 : 1;
                LockNote note = new LockNote(kind, permits, owner);
                assertThat(LockNote.parse(note.bytes())).contains(note);
            }
        }
        assertThat(LockNote.NONE.bytes()).isEqualTo(ByteString.EMPTY);
    }

    @Test
    void whatACandidateProposesIsNoNote() {
        for (String value :
                new String[] {"node-1", "http://10.0.0.1:80/?a=b", "owner=", "kind=queue", "owner=a b", "permits=0"}) {
            assertThat(LockNote.parse(bytes(value))).as(value).isEmpty();
        }
        assertThat(LockNote.parse(ByteString.copyFrom(new byte[] {(byte) 0xff})))
                .isEmpty();
        assertThat(LockNote.parse(bytes("owner=alice\n")).orElseThrow().owner())
                .as("with the end of line that a shell gives")
                .isEqualTo("alice");
    }

    @Test
    void ownersAndTimesAreChecked() {
        assertThatThrownBy(() -> SessionOptions.DEFAULT.withOwner("a;b")).hasMessageContaining("owner \"a;b\"");
        assertThatThrownBy(() -> SessionOptions.DEFAULT.withTtl(java.time.Duration.ofMillis(2500)))
                .hasMessageContaining("expected whole seconds");
    }
}
