package dev.coppice.serving;

/**
 * A console page: an entry in the navigation and what it shows. Rendered on the server inside the {@link PageLayout}.
 *
 * @param path below {@code /console/}, such as {@code health}; sub-paths go to the same page
 * @param title in the navigation and as heading
 * @param group the navigation group, such as {@code Platform} or {@code Areas}
 * @param order position in its group, low first
 * @param handler renders it, and answers its fragments and event streams; use {@link PageLayout#send}
 */
public record Page(String path, String title, String group, int order, Handler handler) {}
