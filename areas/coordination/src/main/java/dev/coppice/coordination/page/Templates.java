package dev.coppice.coordination.page;

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

    static String page(Contents view) {
        return html((out, interceptor) -> JtecoordinationGenerated.render(out, interceptor, view));
    }

    static String live(Contents view) {
        return html((out, interceptor) -> JtecoordinationliveGenerated.render(out, interceptor, view));
    }

    private static String html(BiConsumer<OwaspHtmlTemplateOutput, HtmlInterceptor> template) {
        StringOutput output = new StringOutput(16_384);
        template.accept(new OwaspHtmlTemplateOutput(output), PLAIN);
        return output.toString();
    }
}
