package dev.coppice.serving;

/** The console: where areas add their pages. Safe for use by many threads. */
public interface Console {

    Routes.Mount add(Page page);

    PageLayout layout();

    /** Keeps parts of pages fresh; all pages share it. */
    LiveStreams streams();
}
