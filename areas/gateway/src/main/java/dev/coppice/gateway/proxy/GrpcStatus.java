package dev.coppice.gateway.proxy;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import org.jspecify.annotations.Nullable;

/** The status of a gRPC call as one of HTTP, by which endpoints are judged. Pure functions. */
final class GrpcStatus {
    private static final String TYPE = "application/grpc";
    private static final String STATUS = "grpc-status";
    /** Of an endpoint that did not answer in time. */
    static final int DEADLINE_EXCEEDED = 4;
    /** Of one that could not be reached, or went away. */
    static final int UNAVAILABLE = 14;

    private static final int UNKNOWN = 2;
    private static final int LAST = 16;

    private GrpcStatus() {}

    /** Whether a message is one of gRPC, by its headers. */
    static boolean isGrpc(HttpHeaders headers) {
        String type = headers.get(HttpHeaderNames.CONTENT_TYPE);
        return type != null
                && type.regionMatches(true, 0, TYPE, 0, TYPE.length())
                && (type.length() == TYPE.length() || "+;".indexOf(type.charAt(TYPE.length())) >= 0);
    }

    /**
     * What an endpoint's status means (google.rpc.Code).
     *
     * @param headers of an answer, or its trailers
     * @return 0 when they have none
     */
    static int http(HttpHeaders headers) {
        String status = headers.get(STATUS);
        return status == null ? 0 : http(status);
    }

    /** Its number; -1 when headers have none, and UNKNOWN when it is none. */
    static int code(HttpHeaders headers) {
        String status = headers.get(STATUS);
        if (status == null) {
            return -1;
        }
        try {
            int code = Integer.parseInt(status);
            return code < 0 || code > LAST ? UNKNOWN : code;
        } catch (NumberFormatException e) {
            return UNKNOWN;
        }
    }

    /** What a number means. */
    static int http(int code) {
        return http(Integer.toString(code));
    }

    /** The endpoint's own faults are 5xx; the caller's are not. */
    private static int http(@Nullable String status) {
        return switch (status) {
            case "0" -> 200;
            case "1" -> 499;
            case "3", "9", "11" -> 400;
            case "4" -> 504;
            case "5" -> 404;
            case "6", "10" -> 409;
            case "7" -> 403;
            case "8" -> 429;
            case "12" -> 501;
            case "14" -> 503;
            case "16" -> 401;
            case null, default -> 500;
        };
    }
}
