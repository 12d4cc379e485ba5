package dev.coppice.schema;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RecordSchemaTest {
    enum Mode {
        Fast,
        @JsonProperty("very-slow")
        SLOW
    }

    @Description("A port.")
    record Port(
            @Required String name,
            @Minimum(1) @Maximum(65535) int port) {}

    @Rule(value = "self.retries < 5", message = "few retries")
    @Rule(value = "true", message = "never")
    record Spec(
            @Required @Length(min = 1, max = 63) @Pattern("^a") @Description("Its name.")
            String name,

            @Default("\"30s\"") @Nullable Duration interval,
            @Nullable Instant since,
            @Default("3") @Nullable Integer retries,
            @ListMap("name") @Length(max = 4) List<Port> ports,
            Map<String, String> labels,
            @Nullable Mode mode,
            @Nullable JsonNode anything,
            @Format("int-or-string") @Nullable String target,
            @JsonProperty("default") @Nullable Boolean standard,
            double ratio) {}

    @Test
    void makesStructuralSchemas() {
        ObjectNode schema = RecordSchema.ofKind("A thing.", Spec.class, null);
        assertThat(Schema.check(schema, "P")).isEmpty();
        assertThat(schema.at("/properties/spec")).isEqualTo(Json.of("""
                {type:'object','x-kubernetes-validations':[{rule:'self.retries < 5',message:'few retries'},{rule:'true',message:'never'}],
                properties:{name:{type:'string',description:'Its name.',pattern:'^a',minLength:1,maxLength:63},
                interval:{type:'string',format:'duration','default':'30s'},since:{type:'string',format:'date-time'},
                retries:{type:'integer',format:'int32','default':3},
                ports:{type:'array',maxItems:4,'x-kubernetes-list-type':'map','x-kubernetes-list-map-keys':['name'],
                  items:{type:'object',description:'A port.',required:['name'],properties:{name:{type:'string'},
                  port:{type:'integer',format:'int32',minimum:1,maximum:65535}}}},
                labels:{type:'object',additionalProperties:{type:'string'}},
                mode:{type:'string',enum:['Fast','very-slow']},
                anything:{'x-kubernetes-preserve-unknown-fields':true},
                target:{'x-kubernetes-int-or-string':true},
                'default':{type:'boolean'},ratio:{type:'number'}},required:['name']}"""));
    }

    @Length(min = 1, max = 63)
    @Pattern("^[a-z]+$")
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE_USE})
    @interface Word {}

    @Required
    @Default("{\"mode\":\"a\"}")
    record Bounds(
            @Word String word,
            List<@Word String> words,
            Map<String, @Length(max = 9) String> texts,
            @Enumeration({"a", "b"}) String mode,
            @Enumeration({"301", "302"}) @Nullable Integer code,
            @ListType("atomic") List<@Minimum(400) Integer> codes) {}

    @Test
    void boundsOfItemsAndOfAnnotations() {
        ObjectNode schema = RecordSchema.ofKind("A thing.", Bounds.class, null);
        assertThat(Schema.check(schema, "P")).isEmpty();
        assertThat(schema.path("required").toString()).isEqualTo("[\"spec\"]");
        assertThat(schema.at("/properties/spec")).isEqualTo(Json.of("""
                {type:'object','default':{mode:'a'},properties:{
                word:{type:'string',pattern:'^[a-z]+$',minLength:1,maxLength:63},
                words:{type:'array',items:{type:'string',pattern:'^[a-z]+$',minLength:1,maxLength:63}},
                texts:{type:'object',additionalProperties:{type:'string',maxLength:9}},
                mode:{type:'string',enum:['a','b']},
                code:{type:'integer',format:'int32',enum:[301,302]},
                codes:{type:'array','x-kubernetes-list-type':'atomic',items:{type:'integer',format:'int32',minimum:400}}}}"""));
    }

    @Test
    void readsAndWritesRecords() {
        JsonNode tree = Json.of("{name:'a',interval:'1h30m',since:'2026-01-31T12:00:00Z',mode:'very-slow',target:80,"
                + "'default':true,ports:[{name:'http',port:80}],unknown:1,anything:{x:[1]},ratio:0.5}");
        Spec spec = RecordMapper.toRecord(tree, Spec.class);
        assertThat(spec.interval()).isEqualTo(Duration.ofMinutes(90));
        assertThat(spec.labels()).isEmpty();
        assertThat(spec.retries()).isNull();
        assertThat(spec.standard()).isTrue();
        assertThat(spec.mode()).isEqualTo(Mode.SLOW);
        ObjectNode written = RecordMapper.fromRecord(spec);
        assertThat(written.path("interval").asText()).isEqualTo("1h30m0s");
        assertThat(written.has("labels")).isFalse();
        assertThat(written.has("retries")).isFalse();
        assertThat(RecordMapper.toRecord(written, Spec.class)).isEqualTo(spec);
        assertThat(RecordMapper.toRecord(null, Spec.class).ports()).isEmpty();
    }

    @Test
    void namesTheFieldThatDoesNotFit() {
        assertThatThrownBy(() -> RecordMapper.toRecord(Json.of("{interval:'soon'}"), Spec.class))
                .hasMessageStartingWith("interval: \"soon\" is no duration; write it like 30s");
        assertThatThrownBy(() -> RecordMapper.toRecord(Json.of("{ports:[{port:'x'}]}"), Spec.class))
                .hasMessageStartingWith("ports[0].port: ");
    }

    @Test
    void durationsAreGos() {
        for (String text :
                List.of("0s", "1ns", "1.5µs", "300ms", "1.5s", "30s", "1m0s", "1h30m0s", "72h0m0.5s", "-2m0s")) {
            Duration parsed = GoDuration.parse(text);
            assertThat(parsed).isNotNull();
            assertThat(GoDuration.format(parsed)).isEqualTo(text);
        }
        for (String text : List.of("", "1", "s", "1d", "1h-1m", "9999999h", "1..5s", ".s")) {
            assertThat(GoDuration.parse(text)).as(text).isNull();
        }
    }
}
