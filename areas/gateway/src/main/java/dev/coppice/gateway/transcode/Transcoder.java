package dev.coppice.gateway.transcode;

import com.google.api.AnnotationsProto;
import com.google.api.HttpRule;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.ErrorDetailsProto;
import com.google.rpc.Status;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The methods of gRPC services that are reached by HTTP and JSON, by their annotations (google.api.http). Immutable.
 */
public final class Transcoder {
    /**
     * How messages are read and written.
     *
     * @param services full names of those that count; empty for all
     * @param ignoreUnknownFields requests may have fields, and parameters, that messages do not have
     * @param printDefaults answers have fields that are not set, too
     * @param protoNames answers have the names of the proto files, and not lowerCamelCase ones
     */
    public record Options(
            Set<String> services, boolean ignoreUnknownFields, boolean printDefaults, boolean protoNames) {
        public Options {
            services = Set.copyOf(services);
        }
    }

    private static final int MOST_BINDINGS = 5000;

    final Options options;
    final JsonFormat.Parser parser;
    final JsonFormat.Printer printer;
    final NumberTexts numbers;
    final FaultyField faulty;
    private final Bindings<Binding> bindings = new Bindings<>();
    private int count;

    /**
     * How one method is reached.
     *
     * @param path of gRPC, {@code /PACKAGE.SERVICE/METHOD}
     * @param wholeBody the body is the message
     * @param bodyField the body is this field; null for none
     * @param answerField the answer's body is this field; null: the whole message
     * @param takesRaw the body is what stands in google.api.HttpBody, and no JSON
     * @param tellsRaw so is the answer's
     */
    record Binding(
            String path,
            Descriptor input,
            Descriptor output,
            boolean clientStreams,
            boolean streams,
            boolean wholeBody,
            @Nullable FieldDescriptor bodyField,
            @Nullable FieldDescriptor answerField,
            boolean takesRaw,
            boolean tellsRaw,
            String text) {}

    private Transcoder(Iterable<FileDescriptor> files, Options options) throws InvalidDescriptorsException {
        this.options = options;
        JsonFormat.TypeRegistry.Builder types = JsonFormat.TypeRegistry.newBuilder();
        types.add(ErrorDetailsProto.getDescriptor().getMessageTypes());
        Set<String> missing = new HashSet<>(options.services());
        List<String> problems = new ArrayList<>();
        for (FileDescriptor file : files) {
            types.add(file.getMessageTypes());
            for (ServiceDescriptor service : file.getServices()) {
                if (options.services().isEmpty() || missing.remove(service.getFullName())) {
                    service.getMethods().forEach(method -> add(method, problems));
                }
            }
        }
        missing.forEach(each -> problems.add("there is no service " + each));
        if (count == 0 && problems.isEmpty()) {
            problems.add("no method has an annotation google.api.http");
        }
        if (!problems.isEmpty()) {
            throw new InvalidDescriptorsException(problems);
        }
        JsonFormat.TypeRegistry registry = types.build();
        this.numbers = new NumberTexts(registry);
        JsonFormat.Parser reads = JsonFormat.parser().usingTypeRegistry(registry);
        this.parser = options.ignoreUnknownFields() ? reads.ignoringUnknownFields() : reads;
        JsonFormat.Printer prints =
                JsonFormat.printer().usingTypeRegistry(registry).omittingInsignificantWhitespace();
        prints = options.printDefaults() ? prints.alwaysPrintFieldsWithNoPresence() : prints;
        this.faulty = new FaultyField(parser, numbers);
        this.printer = options.protoNames() ? prints.preservingProtoFieldNames() : prints;
    }

    /** Reads a set of file descriptors. */
    public static Transcoder of(byte[] descriptors, Options options) throws InvalidDescriptorsException {
        return new Transcoder(Descriptors.read(descriptors), options);
    }

    // ---- bindings

    private void add(MethodDescriptor method, List<String> problems) {
        if (!method.getOptions().hasExtension(AnnotationsProto.http)) {
            return;
        }
        HttpRule rule = method.getOptions().getExtension(AnnotationsProto.http);
        add(method, rule, problems);
        rule.getAdditionalBindingsList().forEach(each -> add(method, each, problems));
    }

    private void add(MethodDescriptor method, HttpRule rule, List<String> problems) {
        String verb = switch (rule.getPatternCase()) {
            case GET -> "GET";
            case PUT -> "PUT";
            case POST -> "POST";
            case DELETE -> "DELETE";
            case PATCH -> "PATCH";
            case CUSTOM -> rule.getCustom().getKind();
            case PATTERN_NOT_SET -> "";
        };
        String path = switch (rule.getPatternCase()) {
            case GET -> rule.getGet();
            case PUT -> rule.getPut();
            case POST -> rule.getPost();
            case DELETE -> rule.getDelete();
            case PATCH -> rule.getPatch();
            case CUSTOM -> rule.getCustom().getPath();
            case PATTERN_NOT_SET -> "";
        };
        try {
            if (verb.isEmpty()) {
                throw new IllegalArgumentException("a binding without a method of HTTP");
            }
            if (++count > MOST_BINDINGS) {
                throw new IllegalArgumentException("more than " + MOST_BINDINGS + " bindings");
            }
            PathTemplate template = PathTemplate.of(path);
            template.variables().forEach(each -> leaf(method.getInputType(), each.field()));
            boolean whole = rule.getBody().equals("*");
            FieldDescriptor body = whole ? null : field("body", method.getInputType(), rule.getBody());
            FieldDescriptor answer = field("response_body", method.getOutputType(), rule.getResponseBody());
            Binding binding = new Binding(
                    "/" + method.getService().getFullName() + "/" + method.getName(),
                    method.getInputType(),
                    method.getOutputType(),
                    method.isClientStreaming(),
                    method.isServerStreaming(),
                    whole,
                    body,
                    answer,
                    whole ? raw(method.getInputType()) : body != null && raw(body),
                    answer == null ? raw(method.getOutputType()) : raw(answer),
                    verb + " " + path);
            Binding before = bindings.add(verb, template, binding);
            if (before != null) {
                throw new IllegalArgumentException(
                        binding.text() + " is for the same paths as " + before.text() + " of " + before.path());
            }
        } catch (IllegalArgumentException e) {
            problems.add(method.getFullName() + ": " + e.getMessage());
        }
    }

    private static boolean raw(FieldDescriptor field) {
        return field.getJavaType() == FieldDescriptor.JavaType.MESSAGE
                && !field.isRepeated()
                && raw(field.getMessageType());
    }

    private static boolean raw(Descriptor type) {
        return type.getFullName().equals("google.api.HttpBody");
    }

    private static @Nullable FieldDescriptor field(String option, Descriptor of, String name) {
        if (name.isEmpty()) {
            return null;
        }
        FieldDescriptor field = of.findFieldByName(name);
        if (field == null) {
            throw new IllegalArgumentException(option + ": " + of.getFullName() + " has no field " + name);
        }
        return field;
    }

    /** The field that a path names, which has to be there once and be no message with fields of its own. */
    private static void leaf(Descriptor message, String path) {
        Descriptor in = message;
        String[] names = path.split("\\.", -1);
        for (int i = 0; i < names.length; i++) {
            FieldDescriptor field = in.findFieldByName(names[i]);
            boolean last = i == names.length - 1;
            if (field == null || field.isRepeated()) {
                throw new IllegalArgumentException(
                        in.getFullName() + " has no field " + names[i] + " that is there once");
            }
            boolean nested = field.getJavaType() == FieldDescriptor.JavaType.MESSAGE;
            if (!last && !nested
                    || last && nested && !field.getMessageType().getFullName().startsWith("google.protobuf.")) {
                throw new IllegalArgumentException(path + " is no field with a value of its own");
            }
            in = nested ? field.getMessageType() : in;
        }
    }

    // ---- calls

    /**
     * The call that a request is.
     *
     * @param path in its normal form
     * @param query without the question mark
     * @return null when no method is reached like this
     */
    public @Nullable TranscodedRequest find(String method, String path, String query) {
        Bindings.Found<Binding> found = bindings.find(method, path);
        return found == null ? null : new TranscodedRequest(this, found.value(), found.fields(), query);
    }

    /** How a call went, as JSON (google.rpc.Status). @param details of the status, in its binary form; null: there are none */
    public String status(int code, String message, byte @Nullable [] details) {
        if (details != null) {
            try {
                return printer.print(Status.parseFrom(details));
            } catch (InvalidProtocolBufferException | RuntimeException e) {
                // Of types that are not in the descriptors, or no valid values: what can be said is said.
            }
        }
        try {
            return printer.print(
                    Status.newBuilder().setCode(code).setMessage(message).build());
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("a status without details can be written", e);
        }
    }
}
