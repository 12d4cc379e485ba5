package dev.coppice.gateway.transcode;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.google.protobuf.AnyProto;
import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Label;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Type;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.MessageOptions;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.WrappersProto;
import com.google.protobuf.util.JsonFormat;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts that stand for numbers, wherever a message has them; {@code DIGITS} are too many. */
class NumberTextsTest {
    private static final String DIGITS = "1".repeat(65);

    private final Descriptor type = type();
    private final NumberTexts numbers = new NumberTexts(JsonFormat.TypeRegistry.newBuilder()
            .add(type)
            .add(WrappersProto.getDescriptor().getMessageTypes())
            .build());

    private static FieldDescriptorProto.Builder field(int number, String name, Type type) {
        return FieldDescriptorProto.newBuilder()
                .setName(name)
                .setNumber(number)
                .setType(type)
                .setLabel(Label.LABEL_OPTIONAL);
    }

    private static Descriptor type() {
        DescriptorProto entry = DescriptorProto.newBuilder()
                .setName("AmountsEntry")
                .addField(field(1, "key", Type.TYPE_INT32))
                .addField(field(2, "value", Type.TYPE_INT64))
                .setOptions(MessageOptions.newBuilder().setMapEntry(true))
                .build();
        DescriptorProto all = DescriptorProto.newBuilder()
                .setName("All")
                .addNestedType(entry)
                .addField(field(1, "amounts", Type.TYPE_MESSAGE)
                        .setTypeName(".test.All.AmountsEntry")
                        .setLabel(Label.LABEL_REPEATED))
                .addField(field(2, "some", Type.TYPE_UINT64).setLabel(Label.LABEL_REPEATED))
                .addField(field(3, "perhaps", Type.TYPE_MESSAGE).setTypeName(".google.protobuf.Int64Value"))
                .addField(field(4, "other", Type.TYPE_MESSAGE).setTypeName(".google.protobuf.Any"))
                .addField(field(5, "again", Type.TYPE_MESSAGE).setTypeName(".test.All"))
                .addField(field(6, "text", Type.TYPE_STRING))
                .build();
        try {
            return FileDescriptor.buildFrom(
                            FileDescriptorProto.newBuilder()
                                    .setName("test.proto")
                                    .setPackage("test")
                                    .setSyntax("proto3")
                                    .addDependency("google/protobuf/any.proto")
                                    .addDependency("google/protobuf/wrappers.proto")
                                    .addMessageType(all)
                                    .build(),
                            new FileDescriptor[] {AnyProto.getDescriptor(), WrappersProto.getDescriptor()})
                    .findMessageTypeByName("All");
        } catch (com.google.protobuf.Descriptors.DescriptorValidationException e) {
            throw new IllegalStateException(e);
        }
    }

    private void check(String json) throws Exception {
        numbers.check(type, new ObjectMapper().readTree(json.replace("DIGITS", DIGITS)));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'amounts': {'DIGITS': 1}}",
                "{'amounts': {'1': 'DIGITS'}}",
                "{'some': [1, 'DIGITS']}",
                "{'some': 'DIGITS'}",
                "{'some': ['-1e-99999']}",
                "{'perhaps': 'DIGITS'}",
                "{'perhaps': ['DIGITS']}",
                "{'again': {'again': {'some': ['DIGITS']}}}",
                "{'other': {'@type': 'x/test.All', 'some': ['DIGITS']}}",
                "{'other': {'@type': 'x/google.protobuf.UInt64Value', 'value': 'DIGITS'}}",
                "{'other': {'@type': ['x/test.All'], 'some': ['DIGITS']}}",
                "{'other': {'@type': 'x/test.Nosuch', 'some': ['DIGITS']}}"
            })
    void tooManyAreRefused(String json) {
        assertThatThrownBy(() -> check(json.replace('\'', '"'))).isInstanceOf(RequestException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'text': 'DIGITS', 'nosuch': 'DIGITS', 'some': ['1e300', 7, null]}",
                "{'amounts': [1], 'perhaps': null, 'other': {}}",
                "{'other': {'@type': 'x/google.protobuf.StringValue', 'value': 'DIGITS'}}",
                "'DIGITS'",
                "[]"
            })
    void othersAreNot(String json) {
        assertThatCode(() -> check(json.replace('\'', '"'))).doesNotThrowAnyException();
    }
}
