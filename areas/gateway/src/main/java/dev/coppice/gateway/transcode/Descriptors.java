package dev.coppice.gateway.transcode;

import com.google.api.AnnotationsProto;
import com.google.api.HttpBodyProto;
import com.google.protobuf.AnyProto;
import com.google.protobuf.ApiProto;
import com.google.protobuf.DescriptorProtos;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.DescriptorValidationException;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DurationProto;
import com.google.protobuf.EmptyProto;
import com.google.protobuf.ExtensionRegistry;
import com.google.protobuf.FieldMaskProto;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.SourceContextProto;
import com.google.protobuf.StructProto;
import com.google.protobuf.TimestampProto;
import com.google.protobuf.TypeProto;
import com.google.protobuf.WrappersProto;
import com.google.rpc.ErrorDetailsProto;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads sets of file descriptors, as {@code protoc --descriptor_set_out --include_imports} writes them. Pure functions. */
final class Descriptors {
    private static final int MOST_FILES = 1000;
    private static final int MOST_DEPTH = 100;

    /** Files that a set may leave out. */
    private static final List<FileDescriptor> KNOWN = List.of(
            DescriptorProtos.getDescriptor(),
            AnyProto.getDescriptor(),
            ApiProto.getDescriptor(),
            DurationProto.getDescriptor(),
            EmptyProto.getDescriptor(),
            FieldMaskProto.getDescriptor(),
            SourceContextProto.getDescriptor(),
            StructProto.getDescriptor(),
            TimestampProto.getDescriptor(),
            TypeProto.getDescriptor(),
            WrappersProto.getDescriptor(),
            AnnotationsProto.getDescriptor(),
            com.google.api.HttpProto.getDescriptor(),
            HttpBodyProto.getDescriptor(),
            ErrorDetailsProto.getDescriptor());

    private final Map<String, FileDescriptorProto> given = new HashMap<>();
    private final Map<String, FileDescriptor> built = new HashMap<>();
    private final Set<String> building = new HashSet<>();
    private final List<String> problems = new ArrayList<>();

    private Descriptors() {}

    /** The files of a set, with what they import. */
    static Collection<FileDescriptor> read(byte[] bytes) throws InvalidDescriptorsException {
        ExtensionRegistry registry = ExtensionRegistry.newInstance();
        AnnotationsProto.registerAllExtensions(registry);
        FileDescriptorSet set;
        try {
            set = FileDescriptorSet.parseFrom(bytes, registry);
        } catch (InvalidProtocolBufferException e) {
            throw new InvalidDescriptorsException(
                    List.of("they are no set of file descriptors, as protoc writes with --descriptor_set_out"));
        }
        if (set.getFileCount() == 0 || set.getFileCount() > MOST_FILES) {
            throw new InvalidDescriptorsException(
                    List.of("they have " + set.getFileCount() + " files; expected 1 to " + MOST_FILES));
        }
        Descriptors all = new Descriptors();
        set.getFileList().forEach(each -> all.given.put(each.getName(), each));
        KNOWN.forEach(each -> {
            if (!all.given.containsKey(each.getName())) {
                all.built.put(each.getName(), each);
            }
        });
        List<FileDescriptor> files = new ArrayList<>();
        for (FileDescriptorProto each : set.getFileList()) {
            FileDescriptor file = all.file(each.getName(), each.getName(), 0);
            if (file != null) {
                files.add(file);
            }
        }
        if (!all.problems.isEmpty()) {
            throw new InvalidDescriptorsException(all.problems);
        }
        return files;
    }

    private @org.jspecify.annotations.Nullable FileDescriptor file(String name, String importer, int depth) {
        FileDescriptor known = built.get(name);
        if (known != null) {
            return known;
        }
        FileDescriptorProto proto = given.get(name);
        if (proto == null || depth > MOST_DEPTH || !building.add(name)) {
            problems.add(
                    proto == null
                            ? importer + " imports " + name + ", which is not there; write them with --include_imports"
                            : name + " imports itself");
            return null;
        }
        List<FileDescriptor> imports = new ArrayList<>();
        for (String each : proto.getDependencyList()) {
            FileDescriptor imported = file(each, name, depth + 1);
            if (imported == null) {
                return null;
            }
            imports.add(imported);
        }
        try {
            FileDescriptor file = FileDescriptor.buildFrom(proto, imports.toArray(FileDescriptor[]::new));
            built.put(name, file);
            return file;
        } catch (DescriptorValidationException | RuntimeException e) {
            problems.add(name + ": " + e.getMessage());
            return null;
        } finally {
            building.remove(name);
        }
    }
}
