package dev.coppice.serving;

import java.io.IOException;

/**
 * The frame of all console pages: navigation, head, theme. Assets are served from {@code /console/assets/}: htmx
 * ({@code htmx.js}), its SSE extension ({@code sse.js}), uPlot ({@code uplot.js}, {@code uplot.css}) and
 * {@code coppice.css}; the frame links them all. No external assets, no inline scripts (the Content-Security-Policy
 * refuses them). Safe for use by many threads.
 *
 * <p>Classes for pages: {@code page-head} (with {@code lead}, {@code actions}, {@code crumbs}), {@code grid} of
 * {@code card}s, {@code stats} of {@code stat}s, {@code badge} and {@code dot} with {@code ok|warn|bad|info},
 * {@code table-wrap} around {@code table.data}, {@code toolbar}, {@code button}, {@code field}, {@code tabs},
 * {@code dl.kv}, {@code bars} (history), {@code spark}, {@code meter}, {@code tree}, {@code pre.code}, {@code alert},
 * {@code empty}, {@code muted}, {@code small}, {@code mono}, {@code num}, {@code hide-phone}.
 * Attributes: {@code data-filter="#id"} on an input filters the rows of a list, {@code time[data-ago]} shows an age,
 * {@code data-chart} (JSON: times, series, unit) draws a chart, {@code data-copy} copies, {@code details[data-key]} keeps
 * its state when swapped.
 */
public interface PageLayout {

    /** Sends a whole page with {@code content} (trusted HTML, escaped by its template) in the frame. */
    void send(Exchange exchange, String title, String content) throws IOException;

    /** Sends an HTML fragment, for htmx to swap in. */
    void sendFragment(Exchange exchange, String content) throws IOException;

    /** Opens a server-sent event stream; it ends when the client goes, when its session ends, or by close. */
    EventStream events(Exchange exchange) throws IOException;

    /** A server-sent event stream. */
    interface EventStream extends AutoCloseable {
        /** Sends one event; multi-line data is split as the HTML standard says. Throws when the client is gone. */
        void send(String event, String data) throws IOException;

        /** Whether somebody still listens. */
        default boolean open() {
            return true;
        }

        @Override
        void close();
    }
}
