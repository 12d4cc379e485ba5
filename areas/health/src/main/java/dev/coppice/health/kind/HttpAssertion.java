package dev.coppice.health.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.Rule;
import org.jspecify.annotations.Nullable;

/** Something that must hold for an HTTP answer; exactly one sort of test. */
@Description(
        "Something that must hold for an HTTP answer. Exactly one of contains, notContains, regex, notRegex, jsonPath, header and cel.")
@Rule(
        value = "[has(self.contains), has(self.notContains), has(self.regex), has(self.notRegex), has(self.jsonPath),"
                + " has(self.header), has(self.cel)].filter(x, x).size() == 1",
        message = "exactly one of contains, notContains, regex, notRegex, jsonPath, header and cel must be given")
public record HttpAssertion(
        @Length(max = 4096) @Description("The body contains this text.") @Nullable
        String contains,

        @Length(max = 4096) @Description("The body does not contain this text.") @Nullable
        String notContains,

        @Length(max = 4096) @Description("The body matches this regular expression (RE2 syntax) somewhere.") @Nullable
        String regex,

        @Length(max = 4096) @Description("The body matches this regular expression (RE2 syntax) nowhere.") @Nullable
        String notRegex,

        @Length(max = 4096)
        @Description("A JSONPath into the JSON body, such as $.status; what it finds is compared with equals, or must"
                + " merely exist.")
        @Nullable
        String jsonPath,

        @Length(max = 256) @Description("A response header; its value is compared with equals or matches.") @Nullable
        String header,

        @Length(max = 4096)
        @Description("A CEL expression that must be true, over response.status, response.headers, response.body,"
                + " response.json (the parsed body), response.durationSeconds and response.httpVersion.")
        @Nullable
        String cel,

        @Length(max = 4096) @Description("The value that jsonPath or header must have, as text.") @Nullable
        String equals,

        @Length(max = 4096)
        @Description("A regular expression (RE2 syntax) that the value of jsonPath or header must match.")
        @Nullable
        String matches) {}
