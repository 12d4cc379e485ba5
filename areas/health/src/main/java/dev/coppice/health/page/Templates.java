package dev.coppice.health.page;

import gg.jte.TemplateOutput;
import gg.jte.html.HtmlInterceptor;
import gg.jte.html.OwaspHtmlTemplateOutput;
import gg.jte.output.StringOutput;
import java.util.Map;
import java.util.function.BiConsumer;

/** Renders this module's precompiled templates. */
final class Templates {
    private static final HtmlInterceptor PLAIN = new HtmlInterceptor() {
        @Override
        public void onHtmlTagOpened(String name, Map<String, Object> attributes, TemplateOutput output) {}

        @Override
        public void onHtmlTagClosed(String name, TemplateOutput output) {}
    };

    private Templates() {}

    static String statusPage(StatusModel model) {
        return html((out, interceptor) -> JtestatuspageGenerated.render(out, interceptor, model));
    }

    static String overview(Overview view) {
        return html((out, interceptor) -> JtehealthoverviewGenerated.render(out, interceptor, view));
    }

    static String live(Overview view) {
        return html((out, interceptor) -> JtehealthliveGenerated.render(out, interceptor, view));
    }

    static String policies(Policies view) {
        return html((out, interceptor) -> JtehealthpoliciesGenerated.render(out, interceptor, view));
    }

    static String detail(Detail view) {
        return html((out, interceptor) -> JtehealthdetailGenerated.render(out, interceptor, view));
    }

    static String facts(Detail view) {
        return html((out, interceptor) -> JtehealthfactsGenerated.render(out, interceptor, view));
    }

    private static String html(BiConsumer<OwaspHtmlTemplateOutput, HtmlInterceptor> template) {
        StringOutput output = new StringOutput(16_384);
        template.accept(new OwaspHtmlTemplateOutput(output), PLAIN);
        return output.toString();
    }
}
