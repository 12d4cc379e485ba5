package dev.coppice.coordination.page;

import dev.coppice.serving.Rendering;

/** Renders this module's precompiled templates. */
final class Templates {
    private Templates() {}

    static String page(Contents view) {
        return Rendering.html((out, interceptor) -> JtecoordinationGenerated.render(out, interceptor, view));
    }

    static String live(Contents view) {
        return Rendering.html((out, interceptor) -> JtecoordinationliveGenerated.render(out, interceptor, view));
    }
}
