package dev.coppice.serving;

import java.util.List;

/** What the frame of a console page shows. */
record ConsoleFrame(
        String product,
        String footnote,
        String user,
        boolean session,
        String csrfToken,
        List<Group> groups,
        ConsoleAssets assets) {

    record Group(String title, List<Link> links) {}

    record Link(String title, String href, boolean current) {}

    String asset(String name) {
        return assets.href(name);
    }
}
