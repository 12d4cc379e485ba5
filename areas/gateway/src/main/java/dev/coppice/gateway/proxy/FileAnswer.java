package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.ContentConfig.Encoding;
import dev.coppice.gateway.content.AcceptEncoding;
import dev.coppice.gateway.file.FilePath;
import dev.coppice.gateway.file.FileTree;
import dev.coppice.gateway.file.FileVersion;
import dev.coppice.gateway.file.FileVersion.Wanted;
import dev.coppice.gateway.file.MediaTypes;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * An answer that is a file, or a part of one. Of it one piece at a time is in memory, and the next one is read once the client takes it. What may
 * wait for a disk is done elsewhere; all else on the exchange's event loop.
 */
final class FileAnswer {
    private static final int PIECE = 64 << 10;

    private final Exchange exchange;
    private final EventLoopState state;
    private final HttpRequest request;
    private final RouteFilter.Files files;
    private final RequestTarget target;
    /** Null: the files are in memory. */
    private final @Nullable Executor disk;

    private FileTree.@Nullable OpenFile file;
    private long at;
    private long end;
    private boolean reading;
    private boolean dropped;
    /** Whether it counts among those that are open. */
    private boolean counted;

    FileAnswer(
            Exchange exchange,
            EventLoopState state,
            HttpRequest request,
            RequestTarget target,
            RouteFilter.Files files) {
        this.exchange = exchange;
        this.state = state;
        this.request = request;
        this.files = files;
        this.target = target;
        this.disk = files.tree().blocks() ? state.plane.disk : null;
    }

    /**
     * Begins.
     *
     * @param prefixLength characters of the path that the rule's prefix took
     */
    void begin(int prefixLength) {
        String path = target.path().substring(prefixLength);
        FilePath wanted = FilePath.of(path);
        if (path.isEmpty() && !target.path().endsWith("/") && !files.index().isEmpty()) {
            moved();
            return;
        }
        // Two slashes at the beginning of a Location would be a host.
        if (wanted == null || target.path().contains("//")) {
            exchange.noFile(HttpResponseStatus.NOT_FOUND, "there is no such file");
            return;
        }
        if (disk != null) {
            if (!state.plane.openFiles.tryAcquire()) {
                state.plane.metrics.filterFailures.labelValues("files_busy").inc();
                exchange.noFile(HttpResponseStatus.SERVICE_UNAVAILABLE, "too many files are open");
                return;
            }
            counted = true;
            state.plane.metrics.filesOpen.inc();
        }
        List<Encoding> encodings = files.precompressed().isEmpty()
                ? List.of()
                : AcceptEncoding.ranked(
                        RoutedRequest.header(request.headers(), HttpHeaderNames.ACCEPT_ENCODING.toString()),
                        files.precompressed());
        reading = true;
        elsewhere(() -> {
            FileTree.Found found;
            try {
                found = files.tree().find(wanted, files.index(), files.fallback(), encodings);
            } catch (IOException | RuntimeException e) {
                here(this::failed, null);
                return;
            }
            here(() -> found(found), found);
        });
    }

    private void elsewhere(Runnable task) {
        if (disk == null) {
            task.run();
            return;
        }
        try {
            disk.execute(task);
        } catch (RejectedExecutionException e) {
            reading = false;
            failed();
        }
    }

    /** Goes on on the event loop. */
    private void here(Runnable task, FileTree.@Nullable Found opened) {
        if (disk == null) {
            reading = false;
            task.run();
            return;
        }
        state.execute(() -> {
            reading = false;
            if (!dropped) {
                task.run();
            } else {
                if (opened instanceof FileTree.Found.File late) {
                    late.file().close();
                }
                close();
            }
        });
    }

    private void failed() {
        state.plane.metrics.filterFailures.labelValues("file_unreadable").inc();
        if (exchange.answering()) {
            exchange.broken();
        } else {
            exchange.noFile(HttpResponseStatus.INTERNAL_SERVER_ERROR, "the file cannot be read");
        }
    }

    private void found(FileTree.Found found) {
        switch (found) {
            case FileTree.Found.Nothing _ -> exchange.noFile(HttpResponseStatus.NOT_FOUND, "there is no such file");
            case FileTree.Found.Directory _ -> moved();
            case FileTree.Found.File opened -> {
                file = opened.file();
                answer(opened.file().version(), opened.name(), opened.encoding());
            }
        }
    }

    /** To the path with a slash, so that relative links in its index lead into the directory. */
    private void moved() {
        HttpResponse moved = head(HttpResponseStatus.MOVED_PERMANENTLY);
        moved.headers()
                .set(HttpHeaderNames.LOCATION, target.path() + "/" + target.query())
                .set(HttpHeaderNames.CONTENT_LENGTH, HttpHeaderValues.ZERO);
        respond(moved);
    }

    private static HttpResponse head(HttpResponseStatus status) {
        return new DefaultHttpResponse(HttpVersion.HTTP_1_1, status);
    }

    private void answer(FileVersion version, String name, @Nullable Encoding encoding) {
        // Only GET has ranges (RFC 9110, 14.2).
        boolean ranges = request.method().equals(HttpMethod.GET);
        Wanted wanted = version.wanted(
                header -> !ranges && header.equals("range") ? null : RoutedRequest.header(request.headers(), header));
        HttpResponse head = head(
                switch (wanted) {
                    case Wanted.Whole _ -> HttpResponseStatus.OK;
                    case Wanted.Part _ -> HttpResponseStatus.PARTIAL_CONTENT;
                    case Wanted.Known _ -> HttpResponseStatus.NOT_MODIFIED;
                    case Wanted.Another _ -> HttpResponseStatus.PRECONDITION_FAILED;
                    case Wanted.NoSuchPart _ -> HttpResponseStatus.REQUESTED_RANGE_NOT_SATISFIABLE;
                });
        HttpHeaders headers = head.headers();
        if (!files.precompressed().isEmpty()) {
            // Also where there is nothing to choose from: nobody looked.
            headers.set(HttpHeaderNames.VARY, HttpHeaderNames.ACCEPT_ENCODING);
        }
        if (encoding != null && (wanted instanceof Wanted.Whole || wanted instanceof Wanted.Part)) {
            headers.set(HttpHeaderNames.CONTENT_ENCODING, encoding.token());
        }
        String modified = version.modified();
        if (!(wanted instanceof Wanted.Another || wanted instanceof Wanted.NoSuchPart)) {
            headers.set(HttpHeaderNames.ETAG, version.tag());
            headers.set(HttpHeaderNames.ACCEPT_RANGES, HttpHeaderValues.BYTES);
            if (modified != null) {
                headers.set(HttpHeaderNames.LAST_MODIFIED, modified);
            }
        }
        switch (wanted) {
            case Wanted.Whole _ -> {
                end = version.size();
                headers.set(HttpHeaderNames.CONTENT_TYPE, MediaTypes.of(name));
            }
            case Wanted.Part part -> {
                at = part.from();
                end = part.to() + 1;
                headers.set(HttpHeaderNames.CONTENT_TYPE, MediaTypes.of(name))
                        .set(
                                HttpHeaderNames.CONTENT_RANGE,
                                "bytes " + part.from() + "-" + part.to() + "/" + version.size());
            }
            case Wanted.NoSuchPart _ -> headers.set(HttpHeaderNames.CONTENT_RANGE, "bytes */" + version.size());
            case Wanted.Known _, Wanted.Another _ -> {}
        }
        if (!(wanted instanceof Wanted.Known)) {
            headers.set(HttpHeaderNames.CONTENT_LENGTH, Long.toString(end - at));
        }
        respond(head);
    }

    private void respond(HttpResponse head) {
        if (request.method().equals(HttpMethod.HEAD)) {
            at = end;
        }
        exchange.respond(head);
        next();
    }

    /** Gives the client what it takes now. */
    private void next() {
        FileTree.OpenFile from = file;
        while (!reading && !dropped) {
            if (from == null || at == end) {
                close();
                exchange.content(LastHttpContent.EMPTY_LAST_CONTENT);
                exchange.responded();
                return;
            }
            if (!exchange.clientWritable()) {
                exchange.answer().flush();
                return;
            }
            int count = (int) Math.min(PIECE, end - at);
            reading = true;
            elsewhere(() -> {
                byte[] bytes;
                try {
                    bytes = from.read(at, count);
                } catch (IOException | RuntimeException e) {
                    here(this::failed, null);
                    return;
                }
                here(() -> read(bytes), null);
            });
            if (disk != null) {
                return;
            }
        }
    }

    private void read(byte[] bytes) {
        at += bytes.length;
        exchange.progressed();
        ByteBuf piece = Unpooled.wrappedBuffer(bytes);
        if (at < end) {
            exchange.content(new DefaultHttpContent(piece));
            if (disk != null) {
                exchange.answer().flush();
                next();
            }
            return;
        }
        close();
        exchange.content(new DefaultLastHttpContent(piece));
        exchange.responded();
    }

    /** The client takes more, or does not. */
    void clientWritable(boolean writable) {
        if (writable && file != null) {
            next();
        }
    }

    /** Nobody wants it any more. */
    void drop() {
        dropped = true;
        if (!reading) {
            close();
        }
    }

    private void close() {
        FileTree.OpenFile open = file;
        file = null;
        if (open != null) {
            open.close();
        }
        if (counted) {
            counted = false;
            state.plane.metrics.filesOpen.dec();
            state.plane.openFiles.release();
        }
    }
}
