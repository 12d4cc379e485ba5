package dev.coppice.gateway.transcode;

import com.google.api.AnnotationsProto;
import com.google.api.HttpRule;
import com.google.protobuf.DescriptorProtos.DescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumDescriptorProto;
import com.google.protobuf.DescriptorProtos.EnumValueDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Label;
import com.google.protobuf.DescriptorProtos.FieldDescriptorProto.Type;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.DescriptorProtos.MethodDescriptorProto;
import com.google.protobuf.DescriptorProtos.MethodOptions;
import com.google.protobuf.DescriptorProtos.ServiceDescriptorProto;

/** Descriptors of a service of books, with annotations, as protoc would write them. */
public final class Library {
    private static final String PACKAGE = ".library.v1.";

    private Library() {}

    private static FieldDescriptorProto.Builder field(int number, String name, Type type) {
        return FieldDescriptorProto.newBuilder()
                .setName(name)
                .setNumber(number)
                .setType(type)
                .setLabel(Label.LABEL_OPTIONAL);
    }

    private static FieldDescriptorProto.Builder field(int number, String name, String message) {
        return field(number, name, Type.TYPE_MESSAGE).setTypeName(message);
    }

    private static DescriptorProto message(String name, FieldDescriptorProto.Builder... fields) {
        DescriptorProto.Builder message = DescriptorProto.newBuilder().setName(name);
        for (FieldDescriptorProto.Builder each : fields) {
            message.addField(each);
        }
        return message.build();
    }

    static MethodDescriptorProto method(String name, String in, String out, boolean streams, HttpRule.Builder rule) {
        return methodOf(name, PACKAGE + in, PACKAGE + out, streams, rule);
    }

    private static MethodDescriptorProto methodOf(
            String name, String in, String out, boolean streams, HttpRule.Builder rule) {
        return MethodDescriptorProto.newBuilder()
                .setName(name)
                .setInputType(in)
                .setOutputType(out)
                .setServerStreaming(streams)
                .setOptions(MethodOptions.newBuilder().setExtension(AnnotationsProto.http, rule.build()))
                .build();
    }

    private static MethodDescriptorProto streaming(MethodDescriptorProto method) {
        return method.toBuilder().setClientStreaming(true).build();
    }

    /** The file, with further methods. */
    static FileDescriptorProto file(MethodDescriptorProto... more) {
        ServiceDescriptorProto.Builder service = ServiceDescriptorProto.newBuilder()
                .setName("Library")
                .addMethod(method(
                        "Get",
                        "Ask",
                        "Book",
                        false,
                        HttpRule.newBuilder()
                                .setGet("/v1/{name=shelves/*/books/*}")
                                .addAdditionalBindings(HttpRule.newBuilder().setGet("/v1/book/{name}"))))
                .addMethod(method(
                        "Create",
                        "Put",
                        "Book",
                        false,
                        HttpRule.newBuilder()
                                .setPost("/v1/{parent=shelves/*}/books")
                                .setBody("book")))
                .addMethod(method(
                        "Update",
                        "Put",
                        "Book",
                        false,
                        HttpRule.newBuilder()
                                .setPatch("/v1/{book.name=shelves/*/books/*}")
                                .setBody("*")))
                .addMethod(method(
                        "Title",
                        "Ask",
                        "Book",
                        false,
                        HttpRule.newBuilder().setGet("/v1/title/{name}").setResponseBody("title")))
                .addMethod(method(
                        "Watch",
                        "Ask",
                        "Book",
                        true,
                        HttpRule.newBuilder().setGet("/v1/{name=shelves/*}/books:watch")));
        service.addMethod(streaming(method(
                        "Import",
                        "Put",
                        "Book",
                        false,
                        HttpRule.newBuilder()
                                .setPost("/v1/{parent=shelves/*}/books:import")
                                .setBody("*"))))
                .addMethod(streaming(method(
                        "Trade",
                        "Put",
                        "Book",
                        true,
                        HttpRule.newBuilder().setPost("/v1/books:trade").setBody("book"))))
                .addMethod(method(
                        "SetCover",
                        "Cover",
                        "Book",
                        false,
                        HttpRule.newBuilder().setPut("/v1/covers/{name}").setBody("body")))
                .addMethod(streaming(method(
                        "Scan",
                        "Cover",
                        "Book",
                        false,
                        HttpRule.newBuilder().setPost("/v1/scans/{name}").setBody("body"))))
                .addMethod(method(
                        "GetCover",
                        "Ask",
                        "Cover",
                        false,
                        HttpRule.newBuilder().setGet("/v1/covers/{name}").setResponseBody("body")))
                .addMethod(methodOf(
                        "Read",
                        PACKAGE + "Ask",
                        ".google.api.HttpBody",
                        true,
                        HttpRule.newBuilder().setGet("/v1/texts/{name}")));
        for (MethodDescriptorProto each : more) {
            service.addMethod(each);
        }
        return FileDescriptorProto.newBuilder()
                .setName("library/v1/library.proto")
                .setPackage("library.v1")
                .setSyntax("proto3")
                .addDependency("google/api/annotations.proto")
                .addDependency("google/protobuf/timestamp.proto")
                .addDependency("google/api/httpbody.proto")
                .addEnumType(EnumDescriptorProto.newBuilder()
                        .setName("Kind")
                        .addValue(EnumValueDescriptorProto.newBuilder()
                                .setName("KIND_UNSPECIFIED")
                                .setNumber(0))
                        .addValue(EnumValueDescriptorProto.newBuilder()
                                .setName("NOVEL")
                                .setNumber(1)))
                .addMessageType(message("Author", field(1, "full_name", Type.TYPE_STRING)))
                .addMessageType(message(
                        "Book",
                        field(1, "name", Type.TYPE_STRING),
                        field(2, "title", Type.TYPE_STRING),
                        field(3, "page_count", Type.TYPE_INT32),
                        field(4, "copies", Type.TYPE_INT64),
                        field(5, "tags", Type.TYPE_STRING).setLabel(Label.LABEL_REPEATED),
                        field(6, "author", PACKAGE + "Author"),
                        field(7, "published", ".google.protobuf.Timestamp"),
                        field(8, "kind", Type.TYPE_ENUM).setTypeName(PACKAGE + "Kind")))
                .addMessageType(message(
                        "Ask",
                        field(1, "name", Type.TYPE_STRING),
                        field(2, "page_count", Type.TYPE_INT32),
                        field(3, "tags", Type.TYPE_STRING).setLabel(Label.LABEL_REPEATED),
                        field(4, "author", PACKAGE + "Author"),
                        field(5, "since", ".google.protobuf.Timestamp"),
                        field(6, "kind", Type.TYPE_ENUM).setTypeName(PACKAGE + "Kind"),
                        field(7, "exact", Type.TYPE_BOOL)))
                .addMessageType(message(
                        "Put",
                        field(1, "parent", Type.TYPE_STRING),
                        field(2, "book", PACKAGE + "Book"),
                        field(3, "id", Type.TYPE_STRING)))
                .addMessageType(
                        message("Cover", field(1, "name", Type.TYPE_STRING), field(2, "body", ".google.api.HttpBody")))
                .addService(service)
                .build();
    }

    /** A set with this file. */
    static byte[] set(FileDescriptorProto file) {
        return FileDescriptorSet.newBuilder().addFile(file).build().toByteArray();
    }

    /** The set of file descriptors. */
    public static byte[] descriptors() {
        return set(file());
    }
}
