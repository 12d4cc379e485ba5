package dev.coppice.gateway.trace;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse;
import io.opentelemetry.proto.common.v1.AnyValue;
import io.opentelemetry.proto.common.v1.InstrumentationScope;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.resource.v1.Resource;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.ScopeSpans;
import io.opentelemetry.proto.trace.v1.SpanFlags;
import io.opentelemetry.proto.trace.v1.Status;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.zip.GZIPOutputStream;

/** Spans as OTLP sends them over HTTP (OTLP 1, binary protobuf). Pure functions. */
public final class OtlpRequest {
    private static final String SCOPE = "dev.coppice.gateway";

    private OtlpRequest() {}

    /**
     * The body of a request, compressed with gzip.
     *
     * @param service the resource that the spans are of, as {@code service.name}
     */
    public static byte[] body(List<Span> spans, String service) {
        ScopeSpans.Builder scope = ScopeSpans.newBuilder()
                .setScope(InstrumentationScope.newBuilder().setName(SCOPE));
        spans.forEach(each -> scope.addSpans(message(each)));
        ExportTraceServiceRequest request = ExportTraceServiceRequest.newBuilder()
                .addResourceSpans(ResourceSpans.newBuilder()
                        .setResource(Resource.newBuilder().addAttributes(text("service.name", service)))
                        .addScopeSpans(scope))
                .build();
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(bytes)) {
            request.writeTo(out);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    /** How many spans an answer of success did not take. */
    public static long rejected(byte[] answer) {
        try {
            return ExportTraceServiceResponse.parseFrom(answer)
                    .getPartialSuccess()
                    .getRejectedSpans();
        } catch (InvalidProtocolBufferException e) {
            // A collector that answers with something else took them all the same.
            return 0;
        }
    }

    private static io.opentelemetry.proto.trace.v1.Span message(Span span) {
        io.opentelemetry.proto.trace.v1.Span.Builder message = io.opentelemetry.proto.trace.v1.Span.newBuilder()
                .setTraceId(bytes(span.place.traceHigh(), span.place.traceLow()))
                .setSpanId(bytes(span.place.span()))
                .setTraceState(span.traceState)
                .setFlags(span.place.flags()
                        | SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK_VALUE
                        | (span.parentRemote ? SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK_VALUE : 0))
                .setName(span.name)
                .setKind(
                        span.kind == Span.Kind.SERVER
                                ? io.opentelemetry.proto.trace.v1.Span.SpanKind.SPAN_KIND_SERVER
                                : io.opentelemetry.proto.trace.v1.Span.SpanKind.SPAN_KIND_CLIENT)
                .setStartTimeUnixNano(span.beginNanos)
                .setEndTimeUnixNano(span.endNanos);
        if (span.parent != 0) {
            message.setParentSpanId(bytes(span.parent));
        }
        if (span.failed) {
            message.setStatus(Status.newBuilder().setCode(Status.StatusCode.STATUS_CODE_ERROR));
        }
        for (Span.Attribute each : span.attributes) {
            message.addAttributes(
                    each.value() instanceof Long number
                            ? KeyValue.newBuilder()
                                    .setKey(each.name())
                                    .setValue(AnyValue.newBuilder().setIntValue(number))
                                    .build()
                            : text(each.name(), each.value().toString()));
        }
        return message.build();
    }

    private static KeyValue text(String name, String value) {
        return KeyValue.newBuilder()
                .setKey(name)
                .setValue(AnyValue.newBuilder().setStringValue(value))
                .build();
    }

    private static ByteString bytes(long... words) {
        ByteBuffer buffer = ByteBuffer.allocate(words.length * Long.BYTES);
        for (long each : words) {
            buffer.putLong(each);
        }
        return ByteString.copyFrom(buffer.flip());
    }
}
