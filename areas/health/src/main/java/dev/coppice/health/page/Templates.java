package dev.coppice.health.page;

import dev.coppice.serving.Rendering;

/** Renders this module's precompiled templates. */
final class Templates {
    private Templates() {}

    static String statusPage(StatusModel model) {
        return Rendering.html((out, interceptor) -> JtestatuspageGenerated.render(out, interceptor, model));
    }

    static String overview(Overview view) {
        return Rendering.html((out, interceptor) -> JtehealthoverviewGenerated.render(out, interceptor, view));
    }

    static String live(Overview view) {
        return Rendering.html((out, interceptor) -> JtehealthliveGenerated.render(out, interceptor, view));
    }

    static String policies(Policies view) {
        return Rendering.html((out, interceptor) -> JtehealthpoliciesGenerated.render(out, interceptor, view));
    }

    static String detail(Detail view) {
        return Rendering.html((out, interceptor) -> JtehealthdetailGenerated.render(out, interceptor, view));
    }

    static String facts(Detail view) {
        return Rendering.html((out, interceptor) -> JtehealthfactsGenerated.render(out, interceptor, view));
    }
}
