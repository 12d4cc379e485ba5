package dev.coppice.gateway.authentication;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ListValue;
import com.google.protobuf.Struct;
import io.envoyproxy.envoy.config.core.v3.HeaderValue;
import io.envoyproxy.envoy.config.core.v3.HeaderValueOption;
import io.envoyproxy.envoy.service.auth.v3.CheckResponse;
import io.envoyproxy.envoy.service.auth.v3.DeniedHttpResponse;
import io.envoyproxy.envoy.service.auth.v3.OkHttpResponse;
import io.envoyproxy.envoy.type.v3.HttpStatus;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Envoy's messages, and what is none. */
class CheckMessagesTest {
    private static final int ROUNDS = 20_000;

    private static byte[] answer() {
        OkHttpResponse.Builder ok = OkHttpResponse.newBuilder().addHeadersToRemove("X-Gone");
        for (int i = 0; i < 3; i++) {
            ok.addHeaders(HeaderValueOption.newBuilder()
                    .setHeader(HeaderValue.newBuilder().setKey("x-" + i).setValue("v" + i)));
        }
        return CheckResponse.newBuilder()
                .setStatus(com.google.rpc.Status.newBuilder())
                .setOkResponse(ok)
                .build()
                .toByteArray();
    }

    /** Seeds are printed; {@code -Dgateway.fuzz.seed=N} repeats one. */
    @Test
    void whateverComesIsAnAnswerOrRefused() {
        long seed = Long.getLong("gateway.fuzz.seed", System.nanoTime());
        System.out.println("gateway.fuzz.seed=" + seed);
        Random random = new Random(seed);
        byte[] good = answer();
        for (int i = 0; i < ROUNDS; i++) {
            byte[] bad = random.nextBoolean() ? good.clone() : new byte[random.nextInt(64)];
            if (bad.length != good.length) {
                random.nextBytes(bad);
            }
            for (int k = random.nextInt(4); k > 0 && bad.length > 0; k--) {
                bad[random.nextInt(bad.length)] = (byte) random.nextInt();
            }
            try {
                CheckMessages.Response read = CheckMessages.read(bad);
                assertThat(read.headers())
                        .allMatch(each ->
                                !each.name().isEmpty() && each.value().chars().noneMatch(c -> c == '\r' || c == '\n'));
            } catch (IOException e) {
                assertThat(e).isNotNull();
            }
        }
    }

    private static com.google.protobuf.Value text(String text) {
        return com.google.protobuf.Value.newBuilder().setStringValue(text).build();
    }

    @Test
    void whatElseItHasToSayIsReadAsJson() throws Exception {
        Struct inner = Struct.newBuilder()
                .putFields(
                        "half",
                        com.google.protobuf.Value.newBuilder()
                                .setNumberValue(0.5)
                                .build())
                .putFields(
                        "none",
                        com.google.protobuf.Value.newBuilder()
                                .setNullValueValue(0)
                                .build())
                .build();
        Struct metadata = Struct.newBuilder()
                .putFields("tenant", text("acme"))
                .putFields(
                        "level",
                        com.google.protobuf.Value.newBuilder().setNumberValue(7).build())
                .putFields(
                        "staff",
                        com.google.protobuf.Value.newBuilder()
                                .setBoolValue(true)
                                .build())
                .putFields(
                        "in",
                        com.google.protobuf.Value.newBuilder()
                                .setStructValue(inner)
                                .build())
                .putFields(
                        "roles",
                        com.google.protobuf.Value.newBuilder()
                                .setListValue(ListValue.newBuilder()
                                        .addValues(text("a"))
                                        .addValues(text("b")))
                                .build())
                .build();
        byte[] message = CheckResponse.newBuilder()
                .setStatus(com.google.rpc.Status.newBuilder())
                .setOkResponse(OkHttpResponse.newBuilder()
                        .setDynamicMetadata(Struct.newBuilder()
                                .putFields("tenant", text("old"))
                                .putFields("early", text("x"))))
                .setDynamicMetadata(metadata)
                .build()
                .toByteArray();
        ObjectNode read = CheckMessages.read(message).metadata();
        assertThat(read.toString())
                .isEqualTo("{\"tenant\":\"acme\",\"early\":\"x\",\"level\":7,\"staff\":true,"
                        + "\"in\":{\"half\":0.5,\"none\":null},\"roles\":[\"a\",\"b\"]}");
        Identity identity = new Identity("External", "opa", "", read);
        assertThat(identity.claim("tenant")).isEqualTo("acme");
        assertThat(identity.claim("in.half")).isEqualTo("0.5");
        assertThat(identity.claim("roles")).isEqualTo("a,b");
        assertThat(identity.claim("in")).isNull();
        assertThat(identity.claim("in.none")).isNull();
        assertThat(identity.claim("gone")).isNull();
    }

    @Test
    void metadataWithoutEndIsRefused() {
        Struct.Builder nested = Struct.newBuilder();
        for (int i = 0; i < 17; i++) {
            nested = Struct.newBuilder()
                    .putFields(
                            "a",
                            com.google.protobuf.Value.newBuilder()
                                    .setStructValue(nested)
                                    .build());
        }
        byte[] deep =
                CheckResponse.newBuilder().setDynamicMetadata(nested).build().toByteArray();
        assertThatThrownBy(() -> CheckMessages.read(deep)).hasMessageContaining("16 levels");
        Struct.Builder wide = Struct.newBuilder();
        for (int i = 0; i < 1001; i++) {
            wide.putFields("a" + i, text(""));
        }
        byte[] many =
                CheckResponse.newBuilder().setDynamicMetadata(wide).build().toByteArray();
        assertThatThrownBy(() -> CheckMessages.read(many)).hasMessageContaining("1000 values");
    }

    @Test
    void manyHeadersAreRefused() {
        OkHttpResponse.Builder ok = OkHttpResponse.newBuilder();
        for (int i = 0; i < 101; i++) {
            ok.addHeadersToRemove("x-" + i);
        }
        byte[] message = CheckResponse.newBuilder().setOkResponse(ok).build().toByteArray();
        assertThatThrownBy(() -> CheckMessages.read(message)).hasMessageContaining("100 headers");
    }

    @Test
    void statusesThatClientsCannotGetAreRefused() {
        byte[] message = CheckResponse.newBuilder()
                .setDeniedResponse(DeniedHttpResponse.newBuilder()
                        .setStatus(HttpStatus.newBuilder().setCodeValue(101)))
                .build()
                .toByteArray();
        assertThatThrownBy(() -> CheckMessages.read(message)).hasMessageContaining("101");
    }

    @Test
    void refusalsAreSoWhateverElseTheySay() throws Exception {
        byte[] message = CheckResponse.newBuilder()
                .setStatus(com.google.rpc.Status.newBuilder().setCode(7).setMessage("no"))
                .setDeniedResponse(DeniedHttpResponse.newBuilder()
                        .setStatus(HttpStatus.newBuilder().setCodeValue(101))
                        .setBody("said"))
                .build()
                .toByteArray();
        CheckMessages.Response read = CheckMessages.read(message);
        assertThat(read.allowed()).isFalse();
        assertThat(read.status()).isEqualTo(403);
        assertThat(read.body()).isEmpty();
        byte[] framed = CheckMessages.framed(message);
        // The prefix, the field, its length, and the code.
        int known = 5 + 2 + 2;
        for (int i = 0; i <= framed.length; i++) {
            assertThat(CheckMessages.refuses(Arrays.copyOf(framed, i)))
                    .as("%s", i)
                    .isEqualTo(i >= known);
        }
        assertThat(CheckMessages.refuses(CheckMessages.framed(answer()))).isFalse();
    }

    @Test
    void framesAreWholeAndPlain() throws Exception {
        byte[] message = {1, 2, 3};
        assertThat(CheckMessages.unframed(CheckMessages.framed(message))).containsExactly(1, 2, 3);
        byte[] compressed = CheckMessages.framed(message);
        compressed[0] = 1;
        for (byte[] bad : List.of(new byte[0], new byte[4], compressed, new byte[] {0, 0, 0, 0, 2, 1})) {
            assertThatThrownBy(() -> CheckMessages.unframed(bad)).isInstanceOf(IOException.class);
        }
    }
}
