package dev.coppice.acceptance.gateway;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The fields of a {@code case:} line, put where a text says "the case's FIELD". Immutable. */
record CaseParameters(Map<String, String> fields) {
    static final String PREFIX = "case: ";
    private static final Pattern PLACE = Pattern.compile("the case’s ([A-Za-z]+(?:\\.[A-Za-z]+)*)");
    private static final String RETRY_PARAMETERS = "?retry parameters and a fresh uuid=";
    private static final String WANTED_ANSWER = "the answer that the case wants";

    /** @param line such as {@code case: host: a.example; args: {path: /x}; want: {StatusCodes: 500, 503}} */
    static CaseParameters parse(String line) {
        Map<String, String> fields = new LinkedHashMap<>();
        collect("", line.substring(PREFIX.length()), "; ", fields);
        return new CaseParameters(Map.copyOf(fields));
    }

    private static void collect(String prefix, String text, String separator, Map<String, String> fields) {
        String name = "";
        for (String part : Texts.split(text, separator)) {
            int colon = part.indexOf(": ");
            boolean continued =
                    !name.isEmpty() && (colon < 0 || part.substring(0, colon).contains(" "));
            if (continued) {
                fields.merge(prefix + name, part, (before, more) -> before + separator + more);
                continue;
            }
            name = colon < 0 ? part : part.substring(0, colon);
            String value = colon < 0 ? "" : part.substring(colon + 2).strip();
            if (value.startsWith("{") && value.endsWith("}")) {
                collect(prefix + name + ".", value.substring(1, value.length() - 1), ", ", fields);
            } else {
                fields.put(prefix + name, value);
            }
        }
    }

    static boolean wanted(String text) {
        return text.contains("the case’s ") || text.contains(WANTED_ANSWER) || text.contains(RETRY_PARAMETERS);
    }

    /** The text with the fields in their places; a field that the case has not becomes nothing. */
    String in(String text) {
        String retry = fields.entrySet().stream()
                .filter(field -> field.getKey().contains("retrySimulationConfig."))
                .map(field -> field.getKey().substring(field.getKey().lastIndexOf('.') + 1) + "=" + field.getValue())
                .sorted()
                .collect(Collectors.joining("&", "?", "&uuid=" + Exchange.FRESH));
        String statuses = fields.getOrDefault("want.StatusCodes", fields.getOrDefault("want.StatusCode", ""));
        String put = text.replace(RETRY_PARAMETERS, retry)
                .replace(WANTED_ANSWER, "status " + statuses.replace(", ", " or "));
        Matcher places = PLACE.matcher(put);
        return places.replaceAll(place -> Matcher.quoteReplacement(fields.getOrDefault(place.group(1), "")));
    }
}
