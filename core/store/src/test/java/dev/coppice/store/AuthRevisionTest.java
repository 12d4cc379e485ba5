package dev.coppice.store;

import static dev.coppice.store.StoreFixture.bytes;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.store.api.AuthEnableRequest;
import dev.coppice.store.api.AuthRoleAddRequest;
import dev.coppice.store.api.AuthUserAddRequest;
import dev.coppice.store.api.AuthUserGrantRoleRequest;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.log.Command;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A write is refused when users or roles have changed since its sender was found to be permitted. */
class AuthRevisionTest {

    @TempDir
    Path directory;

    @Test
    void refusesWhatWasPermittedBeforeAChange() throws Exception {
        try (StoreFixture store = new StoreFixture(directory)) {
            MemberKeyspace keyspace = store.store.memberKeyspace("etcd");
            var unused = keyspace.propose(Command.newBuilder()
                    .setUserAdd(AuthUserAddRequest.newBuilder().setName("root")));
            unused = keyspace.propose(Command.newBuilder()
                    .setRoleAdd(AuthRoleAddRequest.newBuilder().setName("root")));
            unused = keyspace.propose(Command.newBuilder()
                    .setUserGrantRole(AuthUserGrantRoleRequest.newBuilder()
                            .setUser("root")
                            .setRole("root")));
            unused = keyspace.propose(Command.newBuilder().setAuthEnable(AuthEnableRequest.getDefaultInstance()));
            long revision = keyspace.space().auth().revision();
            ScopedValue.where(MemberKeyspace.AUTH_REVISION, revision).run(() -> store.put("a", "1"));
            unused = keyspace.propose(Command.newBuilder()
                    .setUserAdd(AuthUserAddRequest.newBuilder().setName("eve")));
            assertThatThrownBy(() -> ScopedValue.where(MemberKeyspace.AUTH_REVISION, revision)
                            .run(() -> store.put("a", "2")))
                    .hasMessage("etcdserver: revision of auth store is old");
            assertThat(store.get("a")).isEqualTo("1");
            assertThat(keyspace.put(PutRequest.newBuilder().setKey(bytes("a")).build())
                            .hasHeader())
                    .isTrue();
        }
    }
}
