package dev.coppice.gateway.proxy;

import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.gateway.config.ContentConfig;
import dev.coppice.gateway.config.FilterConfig.Header;
import dev.coppice.gateway.config.FilterConfig.HeaderChanges;
import dev.coppice.gateway.config.RouteFilterConfig;
import dev.coppice.gateway.expression.RequestExpression;
import dev.coppice.gateway.file.DirectoryTree;
import dev.coppice.gateway.file.FileContents;
import dev.coppice.gateway.file.FilePath;
import dev.coppice.gateway.file.FileTree;
import dev.coppice.gateway.file.MemoryTree;
import dev.coppice.gateway.template.RegexReplacement;
import dev.coppice.gateway.template.Template;
import dev.coppice.gateway.template.Template.Use;
import dev.coppice.gateway.transcode.PathTemplate;
import dev.coppice.kernel.Clock;
import io.netty.util.AsciiString;
import io.prometheus.metrics.core.metrics.Counter;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/** An HTTPRouteFilter, ready to be run. Immutable. */
final class RouteFilter {

    /** A header or parameter, whose name is as it is written. */
    record Value(AsciiString name, Template template) {}

    /** Changes of headers or parameters. */
    record Changes(List<AsciiString> removed, List<Value> set, List<Value> added) {
        boolean none() {
            return removed.isEmpty() && set.isEmpty() && added.isEmpty();
        }
    }

    /**
     * An answer.
     *
     * @param body null: {@code bytes} are the body
     */
    record Direct(
            int status,
            String contentType,
            byte[] bytes,
            @Nullable Template body) {}

    /** Files. */
    record Files(
            FileTree tree, String index, @Nullable FilePath fallback, List<ContentConfig.Encoding> precompressed) {}

    final RouteFilterConfig config;
    final @Nullable RequestExpression when;
    final @Nullable PathTemplate path;
    final Changes request;
    final Changes response;
    final @Nullable Template hostname;
    final @Nullable RegexReplacement pathByRegex;
    final @Nullable Template pathByTemplate;
    final @Nullable Template queryByTemplate;
    final Changes query;
    final @Nullable Direct direct;
    final @Nullable Files files;
    final @Nullable FilterRunner extension;
    final @Nullable FunctionFilter function;

    /** @throws IllegalArgumentException when this version cannot run it */
    RouteFilter(
            RouteFilterConfig config,
            Executor threads,
            Counter calls,
            Functions functions,
            FileContents contents,
            EndlessCalls endless) {
        this.config = config;
        List<String> problems = new ArrayList<>();
        this.when = condition(config.when());
        this.path = config.pathTemplate().isEmpty() ? null : PathTemplate.of(config.pathTemplate());
        Set<String> segments = path == null ? Set.of() : path.fields();
        this.request = changes(config.request(), Use.HEADER, false, segments, problems);
        this.response = changes(config.response(), Use.HEADER, true, segments, problems);
        RouteFilterConfig.Rewrite rewrite = config.rewrite();
        this.hostname = rewrite == null || rewrite.hostname() == null
                ? null
                : Template.compile(rewrite.hostname(), Use.HEADER, false, segments, problems, "");
        this.query = changes(
                rewrite == null ? HeaderChanges.NONE : rewrite.query(), Use.PARAMETER, false, segments, problems);
        RouteFilterConfig.PathRewrite to = rewrite == null ? null : rewrite.path();
        String template = to == null ? null : to.template();
        int mark = template == null ? -1 : template.indexOf('?');
        this.pathByTemplate = template == null
                ? null
                : Template.compile(
                        mark < 0 ? template : template.substring(0, mark), Use.PATH, false, segments, problems, "");
        this.queryByTemplate = template == null || mark < 0
                ? null
                : Template.compile(template.substring(mark + 1), Use.QUERY, false, segments, problems, "");
        this.pathByRegex = to == null || to.pattern() == null
                ? null
                : RegexReplacement.compile(to.pattern(), String.valueOf(to.substitution()), problems, "");
        this.direct = direct(config.direct(), segments, problems);
        this.files = files(config.files(), functions.surroundings.clock(), contents);
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(String.join("; ", problems));
        }
        this.extension =
                config.extension() == null ? null : new FilterRunner(config.extension(), threads, calls, endless);
        this.function =
                config.function() == null ? null : new FunctionFilter(config.name(), config.function(), functions);
    }

    private static @Nullable RequestExpression condition(String when) {
        try {
            return when.isEmpty() ? null : RequestExpression.condition(when);
        } catch (InvalidExpressionException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
    }

    private static Changes changes(
            HeaderChanges changes, Use use, boolean answer, Set<String> segments, List<String> problems) {
        return new Changes(
                changes.remove().stream().map(AsciiString::cached).toList(),
                values(changes.set(), use, answer, segments, problems),
                values(changes.add(), use, answer, segments, problems));
    }

    private static List<Value> values(
            List<Header> all, Use use, boolean answer, Set<String> segments, List<String> problems) {
        return all.stream()
                .map(each -> new Value(
                        AsciiString.cached(each.name()),
                        Template.compile(each.value(), use, answer, segments, problems, each.name() + ": ")))
                .toList();
    }

    /** The name of a parameter as it is written in a query. */
    static String written(CharSequence name) {
        return URLEncoder.encode(name.toString(), StandardCharsets.UTF_8);
    }

    private static @Nullable Direct direct(
            RouteFilterConfig.@Nullable Direct direct, Set<String> segments, List<String> problems) {
        return direct == null
                ? null
                : new Direct(
                        direct.status(),
                        direct.contentType(),
                        direct.body().getBytes(StandardCharsets.UTF_8),
                        direct.template()
                                ? Template.compile(
                                        direct.body(),
                                        Template.useOf(direct.contentType()),
                                        false,
                                        segments,
                                        problems,
                                        "")
                                : null);
    }

    private static @Nullable Files files(RouteFilterConfig.@Nullable Files files, Clock clock, FileContents contents) {
        if (files == null) {
            return null;
        }
        FileTree tree;
        if (files.entries() != null) {
            Map<String, byte[]> entries = new HashMap<>();
            files.entries()
                    .forEach((path, bytes) ->
                            entries.put(path, Base64.getMimeDecoder().decode(bytes)));
            tree = new MemoryTree(entries, contents);
        } else {
            tree = new DirectoryTree(
                    Path.of(String.valueOf(files.root())),
                    List.of(String.valueOf(files.directory()).split("/", -1)),
                    clock);
        }
        return new Files(
                tree,
                files.index(),
                files.fallback() == null ? null : FilePath.of(files.fallback()),
                files.precompressed());
    }
}
