package dev.coppice.serving;

import gg.jte.TemplateOutput;
import gg.jte.html.HtmlInterceptor;
import gg.jte.html.OwaspHtmlTemplateOutput;
import gg.jte.output.StringOutput;
import java.util.Map;
import java.util.function.BiConsumer;

/** Renders precompiled templates, whose values are escaped. */
public final class Rendering {
    private static final HtmlInterceptor NO_INTERCEPTOR = new HtmlInterceptor() {
        @Override
        public void onHtmlTagOpened(String name, Map<String, Object> attributes, TemplateOutput output) {}

        @Override
        public void onHtmlTagClosed(String name, TemplateOutput output) {}
    };

    private Rendering() {}

    /** What a template writes. */
    public static String html(BiConsumer<OwaspHtmlTemplateOutput, HtmlInterceptor> template) {
        StringOutput output = new StringOutput(16_384);
        template.accept(new OwaspHtmlTemplateOutput(output), NO_INTERCEPTOR);
        return output.toString();
    }
}
