package dev.coppice.gateway.kind;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.gateway.kind.Names.GatewayDuration;
import dev.coppice.gateway.kind.Names.HeaderName;
import dev.coppice.gateway.kind.Names.ObjectName;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Pattern;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A filter of routes that the Gateway API does not have, to which rules refer by {@code extensionRef}. Fields that Envoy Gateway's kind of this name
 * has, too, are called as there. ({@code function} is a word of CEL's own, which Kubernetes writes {@code __function__} in rules.)
 */
@Required
@Rule(
        value = "has(self.requestHeaderModifier) || has(self.responseHeaderModifier) || has(self.urlRewrite)"
                + " || has(self.directResponse) || has(self.files) || has(self.extension) || has(self.__function__)",
        message =
                "one of requestHeaderModifier, responseHeaderModifier, urlRewrite, directResponse, files, extension and function must be given")
@Rule(
        value = "[has(self.directResponse), has(self.files), has(self.extension), has(self.__function__)]"
                + ".filter(x, x).size() < 2",
        message = "directResponse, files, extension and function each are the last to see a request: give one of them")
@Rule(
        value = "!((has(self.directResponse) || has(self.files)) && (has(self.requestHeaderModifier) ||"
                + " has(self.urlRewrite)))",
        message =
                "requestHeaderModifier and urlRewrite are for backends, which a filter with directResponse or files does not ask")
@Description("What is done with the requests of rules that refer to it, and with their answers.")
public record HttpRouteFilterSpec(
        @Length(min = 1, max = 1024)
        @Description("A CEL expression: the filter applies to requests for which it is true. By default to all.")
        @Nullable
        String when,

        @Length(min = 1, max = 1024)
        @Description(
                "A path with fields, such as /users/{id}/orders/{rest=**}: the filter applies to requests with such a path, and templates may have {path.id} and {path.rest}.")
        @Nullable
        String pathTemplate,

        @Description("Changes headers of the request; values are templates.") @Nullable
        HeaderModifier requestHeaderModifier,

        @Description("Changes headers of the answer; values are templates.") @Nullable
        HeaderModifier responseHeaderModifier,

        @Description("Changes what the backend sees.") @Nullable
        UrlRewrite urlRewrite,

        @Description("The answer.") @Nullable DirectResponse directResponse,
        @Description("Files that are answers.") @Nullable Files files,

        @Description("A filter of an extension, which is asked after all else that is given here.") @Nullable
        Extension extension,

        @Description("A function in WebAssembly, which is asked after all else that is given here.") @Nullable
        EdgeFunction function) {

    /** A function in WebAssembly. */
    @Rule(
            value = "duration(self.timeout) > duration('0s') && duration(self.timeout) <= duration('1m')",
            message = "timeout must be more than 0s, and 1m or less")
    @Description("A function in WebAssembly that speaks the HTTP handler ABI of http-wasm.")
    public record EdgeFunction(
            @Required @Description("Where its module is.") ModuleSource module,

            @Description("What it gets as its configuration: a text as it is, all else as JSON.") @Nullable
            JsonNode config,

            @GatewayDuration @Default("\"1s\"") @Description("How long it may take for a request, and for an answer.")
            String timeout,

            @Minimum(65_536)
            @Maximum(268_435_456)
            @Default("16777216")
            @Description("Bytes of memory that each instance of it may have, of which there is one for each request.")
            int maxMemoryBytes,

            @Minimum(0)
            @Maximum(1_048_576)
            @Default("1048576")
            @Description("Bytes of a request's body, and of an answer's, that it may see or write.")
            int maxBodyBytes,

            @Minimum(1)
            @Maximum(10_000)
            @Default("256")
            @Description(
                    "Requests that it may have at one time, if it sees answers until theirs come; others are as if it had failed.")
            int maxConcurrent,

            @Default("false")
            @Description(
                    "Whether requests go on without it when it fails; by default they are answered with 500, 503 or 413.")
            boolean failOpen) {}

    /** Where a module is. */
    @Description("Where a module is.")
    public record ModuleSource(
            @Required @Description("An entry of a ConfigMap.")
            ModuleEntry configMap) {}

    /** A module in a ConfigMap. */
    @Description("An entry of a ConfigMap of the namespace, of its binaryData.")
    public record ModuleEntry(
            @Required @ObjectName @Description("Its name.") String name,

            @Length(min = 1, max = 253) @Default("\"module.wasm\"") @Description("The entry.")
            String key) {}

    /** A filter of an extension. */
    @Rule(
            value = "duration(self.timeout) > duration('0s') && duration(self.timeout) <= duration('1m')",
            message = "timeout must be more than 0s, and 1m or less")
    @Description("A filter of an extension.")
    public record Extension(
            @Required @Length(min = 1, max = 253) @Description("Its name.")
            String name,

            @Description("What the extension wants to know.") @Nullable
            ObjectNode config,

            @GatewayDuration @Default("\"1s\"") @Description("How long it may take for a request, and for an answer.")
            String timeout,

            @Minimum(1)
            @Maximum(10_000)
            @Default("256")
            @Description("Requests and answers that it may have at one time; others are as if it had failed.")
            int maxConcurrent,

            @Default("false")
            @Description(
                    "Whether requests go on without it when it fails; by default they are answered with 500 or 503.")
            boolean failOpen) {}

    /** A header or parameter. */
    @Description("A header or parameter.")
    public record Named(
            @Required @HeaderName @Description("Its name.") String name,

            @Required
            @Length(max = 4096)
            @Description("A template of its value; if it comes to nothing, there is no such header or parameter.")
            String value) {}

    /** Changes of headers. */
    @Description("Changes of headers.")
    public record HeaderModifier(
            @ListMap("name") @Length(max = 16) @Description("Replaces them.")
            List<Named> set,

            @ListMap("name") @Length(max = 16) @Description("Adds to them.")
            List<Named> add,

            @ListType("set") @Length(max = 16) @Description("Removes them.")
            List<@HeaderName String> remove) {}

    /** What the backend sees instead. */
    @Description("What the backend sees instead.")
    public record UrlRewrite(
            @Description("The host name.") @Nullable HostnameModifier hostname,
            @Description("The path.") @Nullable PathModifier path,

            @Description("Parameters of the query, changed after the path.") @Nullable
            QueryModifier query) {}

    /** Another host name. */
    @Rule(
            value = "(self.type == 'Header') == has(self.header) && (self.type == 'Template') == has(self.template)",
            message = "header must be given for the type Header, and template for the type Template")
    @Description("Another host name.")
    public record HostnameModifier(
            @Required @Enumeration({"Header", "Template"}) @Description("Header or Template.")
            String type,

            @HeaderName @Description("The header that it is taken from.") @Nullable
            String header,

            @Length(min = 1, max = 1024) @Description("A template of it.") @Nullable
            String template) {}

    /** Another path. */
    @Rule(
            value = "(self.type == 'ReplaceRegexMatch') == has(self.replaceRegexMatch)"
                    + " && (self.type == 'ReplaceTemplate') == has(self.replaceTemplate)",
            message =
                    "replaceRegexMatch must be given for the type ReplaceRegexMatch, and replaceTemplate for the type ReplaceTemplate")
    @Description("Another path.")
    public record PathModifier(
            @Required
            @Enumeration({"ReplaceRegexMatch", "ReplaceTemplate"})
            @Description("ReplaceRegexMatch or ReplaceTemplate.")
            String type,

            @Description("What stands in place of what an expression matches in it.") @Nullable
            RegexMatch replaceRegexMatch,

            @Length(min = 1, max = 1024)
            @Pattern("^/")
            @Description("A template of it, and of the query behind a question mark; without one the query stays.")
            @Nullable
            String replaceTemplate) {}

    /** What is replaced, and by what. */
    @Description("What is replaced, and by what.")
    public record RegexMatch(
            @Required @Length(min = 1, max = 1024) @Description("A regular expression in RE2's syntax.")
            String pattern,

            @Required
            @Length(max = 1024)
            @Description("The text in place of each match; \\1 to \\9 are groups, \\0 is the match.")
            String substitution) {}

    /** Changes of parameters. */
    @Description("Changes of parameters.")
    public record QueryModifier(
            @ListMap("name") @Length(max = 16) @Description("Replaces them.")
            List<Named> set,

            @ListMap("name") @Length(max = 16) @Description("Adds to them.")
            List<Named> add,

            @ListType("set") @Length(max = 16) @Description("Removes them.")
            List<@Length(min = 1, max = 256) String> remove) {}

    /** An answer. */
    @Description("An answer.")
    public record DirectResponse(
            @Length(min = 1, max = 256)
            @Pattern("^[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+(;[ -~]*)?$")
            @Default("\"text/plain; charset=utf-8\"")
            @Description("What its body is.")
            String contentType,

            @Minimum(200) @Maximum(599) @Default("200") @Description("Its status.")
            int statusCode,

            @Description("Its body; by default empty.") @Nullable
            Body body) {}

    /** The body of an answer. */
    @Rule(
            value = "(self.type == 'Inline') == has(self.inline) && (self.type == 'ValueRef') == has(self.valueRef)",
            message = "inline must be given for the type Inline, and valueRef for the type ValueRef")
    @Description("The body of an answer.")
    public record Body(
            @Enumeration({"Inline", "ValueRef"}) @Default("\"Inline\"") @Description("Inline or ValueRef.")
            String type,

            @Length(max = 65_536) @Description("The body.") @Nullable
            String inline,

            @Description("Where it is.") @Nullable ValueRef valueRef,

            @Default("false") @Description("Whether it is a template; values are then escaped as contentType asks for.")
            boolean template) {}

    /** An entry of a ConfigMap. */
    @Description("An entry of a ConfigMap of the namespace.")
    public record ValueRef(
            @Length(max = 0) @Default("\"\"") @Description("Its group: the core's.")
            String group,

            @Enumeration({"ConfigMap"}) @Default("\"ConfigMap\"") @Description("ConfigMap.")
            String kind,

            @Required @ObjectName @Description("Its name.") String name,

            @Length(min = 1, max = 253) @Default("\"response.body\"") @Description("The entry.")
            String key) {}

    /** Files that are answers. */
    @Rule(
            value = "has(self.configMap) != has(self.directory)",
            message = "one of configMap and directory must be given, and not both")
    @Description(
            "Files that are answers, by the path behind the prefix that the rule matches; of a rule without PathPrefix by the whole path.")
    public record Files(
            @Description("Entries of a ConfigMap.") @Nullable
            FileMap configMap,

            @Length(min = 1, max = 253)
            @Pattern("^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$")
            @Description(
                    "A directory of the gateway's machine, below the one that the operator has given for the namespace's files (--gateway-files).")
            @Nullable
            String directory,

            @Length(max = 128)
            @Pattern("^([A-Za-z0-9_-][A-Za-z0-9._-]*)?$")
            @Default("\"index.html\"")
            @Description("The file that a directory is answered with; empty for none.")
            String index,

            @Length(min = 1, max = 253)
            @Pattern("^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$")
            @Description("The file that everything is answered with that is not there; by default that is 404.")
            @Nullable
            String fallback,

            @ListType("set")
            @Length(max = 3)
            @Description(
                    "Brotli, Gzip and Zstd: clients that accept it get NAME.br, NAME.gz or NAME.zst for NAME where that lies beside it and is not older; of those that a client likes equally the first counts. By default none.")
            List<@Pattern("^(Brotli|Gzip|Zstd)$") String> precompressed) {}

    /** Entries of a ConfigMap. */
    @Description("Entries of a ConfigMap, of its data and binaryData.")
    public record FileMap(
            @Required @ObjectName @Description("Its name.") String name,

            @ListMap("path")
            @Length(max = 256)
            @Description("Which entries, and their paths; by default all, each with its key as its path.")
            List<Item> items) {}

    /** A file. */
    @Description("A file.")
    public record Item(
            @Required @Length(min = 1, max = 253) @Description("The entry.")
            String key,

            @Required
            @Length(min = 1, max = 253)
            @Pattern("^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$")
            @Description("Its path.")
            String path) {}
}
