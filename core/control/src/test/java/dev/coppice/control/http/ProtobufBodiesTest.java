package dev.coppice.control.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.coppice.control.ApiException;
import io.kubernetes.client.proto.Meta;
import io.kubernetes.client.proto.Runtime;
import io.kubernetes.client.proto.V1;
import io.kubernetes.client.proto.V1Rbac;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Checks the table of messages against the published descriptors. */
class ProtobufBodiesTest {

    private static byte[] body(String apiVersion, String kind, com.google.protobuf.Message message) {
        byte[] unknown = Runtime.Unknown.newBuilder()
                .setTypeMeta(
                        Runtime.TypeMeta.newBuilder().setApiVersion(apiVersion).setKind(kind))
                .setRaw(message.toByteString())
                .build()
                .toByteArray();
        byte[] all = new byte[unknown.length + 4];
        all[0] = 'k';
        all[1] = '8';
        all[2] = 's';
        System.arraycopy(unknown, 0, all, 4, unknown.length);
        return all;
    }

    @Test
    void readsConfigMaps() {
        var map = V1.ConfigMap.newBuilder()
                .setMetadata(Meta.ObjectMeta.newBuilder()
                        .setName("c")
                        .setNamespace("")
                        .setCreationTimestamp(Meta.Time.newBuilder())
                        .putLabels("a", "b")
                        .addFinalizers("x/y"))
                .putData("k", "v")
                .putBinaryData("b", ByteString.copyFrom(new byte[] {-1, 0}))
                .setImmutable(false)
                .build();
        var tree = ProtobufBodies.decode(body("v1", "ConfigMap", map));
        assertThat(tree.toString())
                .isEqualTo(
                        "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\",\"labels\":{\"a\":\"b\"},"
                                + "\"finalizers\":[\"x/y\"]},\"data\":{\"k\":\"v\"},\"binaryData\":{\"b\":\"/wA=\"},\"immutable\":false}");
    }

    @Test
    void readsRolesAndTimes() {
        var role = V1Rbac.Role.newBuilder()
                .setMetadata(Meta.ObjectMeta.newBuilder()
                        .setCreationTimestamp(Meta.Time.newBuilder().setSeconds(981173106)))
                .addRules(V1Rbac.PolicyRule.newBuilder().addVerbs("get").addApiGroups(""))
                .build();
        var tree = ProtobufBodies.decode(body("rbac.authorization.k8s.io/v1", "Role", role));
        assertThat(tree.path("rules").toString()).isEqualTo("[{\"verbs\":[\"get\"],\"apiGroups\":[\"\"]}]");
        assertThat(tree.path("metadata").path("creationTimestamp").asText()).isEqualTo("2001-02-03T04:05:06Z");
    }

    @Test
    void refusesKindsItDoesNotKnow() {
        assertThatThrownBy(() -> ProtobufBodies.decode(body("v9", "Nope", V1.ConfigMap.getDefaultInstance())))
                .isInstanceOfSatisfying(
                        ApiException.class, e -> assertThat(e.code()).isEqualTo(415));
    }

    @Test
    void refusesRubbishWithoutFailing() {
        long seed = 20_261_122;
        Random random = new Random(seed);
        byte[] good = body(
                "v1",
                "ConfigMap",
                V1.ConfigMap.newBuilder().putData("some", "value").build());
        for (int i = 0; i < 5_000; i++) {
            byte[] bad = good.clone();
            for (int j = 0; j <= random.nextInt(4); j++) {
                bad[4 + random.nextInt(bad.length - 4)] = (byte) random.nextInt();
            }
            byte[] cut = java.util.Arrays.copyOf(bad, 4 + random.nextInt(bad.length - 4));
            for (byte[] each : new byte[][] {bad, cut}) {
                try {
                    assertThat(ProtobufBodies.decode(each)).isNotNull();
                } catch (ApiException e) {
                    assertThat(e.code()).as("seed %d", seed).isBetween(400, 415);
                }
            }
        }
    }
}
