package dev.coppice.serving;

import java.io.IOException;

/**
 * The frame of all console pages: navigation, head, theme. Assets are served from {@code /console/assets/}: htmx
 * ({@code htmx.js}), its SSE extension ({@code sse.js}), uPlot ({@code uplot.js}, {@code uplot.css}) and
 * {@code coppice.css}. No external assets. Safe for use by many threads.
 */
public interface PageLayout {

    /** Sends a whole page with {@code content} (trusted HTML, escaped by its template) in the frame. */
    void send(Exchange exchange, String title, String content) throws IOException;

    /** Sends an HTML fragment, for htmx to swap in. */
    void sendFragment(Exchange exchange, String content) throws IOException;

    /** Opens a server-sent event stream; it ends when the client goes, or by close. */
    EventStream events(Exchange exchange) throws IOException;

    /** A server-sent event stream. */
    interface EventStream extends AutoCloseable {
        /** Sends one event; multi-line data is split as the HTML standard says. Throws when the client is gone. */
        void send(String event, String data) throws IOException;

        @Override
        void close();
    }
}
