package dev.coppice.health.migration;

import dev.coppice.health.blackbox.GoDuration;
import dev.coppice.probe.Assertion;
import dev.coppice.probe.StatusRange;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads the conditions of one Gatus endpoint: {@code [STATUS] == 200}, {@code [BODY].status == UP}. One use each. */
final class GatusConditions {
    private static final Pattern CONDITION = Pattern.compile("(?s)\\s*(.+?)\\s+(==|!=|<=|>=|<|>)\\s+(.+?)\\s*");
    private static final Pattern PATH = Pattern.compile("(\\.[A-Za-z_][A-Za-z0-9_]*|\\[\\d+])+");
    private static final Pattern NUMBER = Pattern.compile("-?\\d{1,15}(\\.\\d{1,9})?");

    private final ManifestSink sink;
    private final String place;
    private final BitSet statuses = new BitSet(600);
    private final List<Assertion> assertions = new ArrayList<>();
    private final Map<Assertion, String> places = new LinkedHashMap<>();
    private boolean statusGiven;
    private @Nullable Duration maxLatency;
    private @Nullable Integer minCertificateDays;
    private @Nullable String responseCode;
    private final List<String> exactBodies = new ArrayList<>();
    private final List<String> bodyPatterns = new ArrayList<>();

    GatusConditions(ManifestSink sink, String place) {
        this.sink = sink;
        this.place = place;
        statuses.set(100, 600);
    }

    void read(String condition, String where) {
        var matcher = CONDITION.matcher(condition);
        if (!matcher.matches() || !understood(matcher.group(1), matcher.group(2), matcher.group(3), where)) {
            sink.find(where, "the condition \"" + condition + "\" has no counterpart");
        }
    }

    private boolean understood(String left, String operator, String right, String where) {
        if (left.equals("[STATUS]")) {
            return status(operator, right);
        }
        if (left.equals("[CONNECTED]")) {
            // Every check needs its connection anyway.
            return operator.equals("==") && right.equals("true");
        }
        if (left.equals("[RESPONSE_TIME]")) {
            return latency(operator, right);
        }
        if (left.equals("[CERTIFICATE_EXPIRATION]")) {
            return certificate(operator, right, where);
        }
        if (left.equals("[DNS_RCODE]")) {
            responseCode = right;
            return operator.equals("==");
        }
        return body(left, operator, right, where);
    }

    private static List<String> any(String text) {
        if (text.startsWith("any(") && text.endsWith(")")) {
            return List.of(text.substring(4, text.length() - 1).split("\\s*,\\s*"));
        }
        return List.of(text);
    }

    private boolean status(String operator, String right) {
        var allowed = new BitSet(600);
        for (var each : any(right.strip())) {
            if (!each.strip().matches("\\d{1,4}")) {
                return false;
            }
            int code = Math.min(600, Integer.parseInt(each.strip()));
            switch (operator) {
                case "==" -> allowed.set(code);
                case "!=" -> {
                    allowed.set(100, 600);
                    allowed.clear(code);
                }
                case "<" -> allowed.set(0, code);
                case "<=" -> allowed.set(0, code + 1);
                case ">" -> allowed.set(code + 1, Math.max(code + 1, 600));
                default -> allowed.set(code, 601);
            }
        }
        statuses.and(allowed);
        statusGiven = true;
        return true;
    }

    private boolean latency(String operator, String right) {
        if (!operator.startsWith("<") || !right.matches("\\d{1,9}")) {
            return false;
        }
        var limit = Duration.ofMillis(Long.parseLong(right));
        maxLatency = maxLatency == null || limit.compareTo(maxLatency) < 0 ? limit : maxLatency;
        return true;
    }

    private boolean certificate(String operator, String right, String where) {
        if (!operator.startsWith(">")) {
            return false;
        }
        Duration least;
        try {
            least = right.matches("\\d+") ? Duration.ofMillis(Long.parseLong(right)) : GoDuration.parse(right);
        } catch (IllegalArgumentException e) {
            return false;
        }
        int days = (int) Math.min(3650, least.plusHours(24).minusNanos(1).toDays());
        if (least.toHours() % 24 != 0) {
            sink.find(where, "rounded up to " + days + " days");
        }
        minCertificateDays = days;
        return true;
    }

    private boolean body(String left, String operator, String right, String where) {
        if (left.startsWith("len(") && left.endsWith(")")) {
            var path = path(left.substring(4, left.length() - 1));
            return path != null
                    && right.matches("\\d{1,12}")
                    && add(
                            new Assertion.Expression(
                                    "size(" + (path.isEmpty() ? "response.body" : "response.json" + path) + ") "
                                            + operator + " " + right),
                            where);
        }
        if (left.startsWith("has(") && left.endsWith(")")) {
            var path = path(left.substring(4, left.length() - 1));
            boolean wanted = operator.equals("==") == right.equals("true");
            if (path == null || path.isEmpty()) {
                return false;
            }
            return add(
                    wanted
                            ? new Assertion.JsonPathValue("$" + path, Assertion.Comparison.PRESENT, "")
                            : new Assertion.Expression("!has(response.json" + path + ")"),
                    where);
        }
        var path = path(left);
        if (path == null) {
            return false;
        }
        return path.isEmpty() ? whole(operator, right, where) : part(path, operator, right, where);
    }

    /** The path behind [BODY]; empty for the whole body, null when it is something else. */
    private static @Nullable String path(String placeholder) {
        if (!placeholder.startsWith("[BODY]")) {
            return null;
        }
        var path = placeholder.substring(6);
        return path.isEmpty() || PATH.matcher(path).matches() ? path : null;
    }

    private boolean whole(String operator, String right, String where) {
        if (!operator.equals("==") && !operator.equals("!=")) {
            return false;
        }
        boolean negated = operator.equals("!=");
        if (!negated && !right.startsWith("pat(") && !right.startsWith("any(")) {
            exactBodies.add(right);
        }
        var inner = right.startsWith("pat(*") && right.endsWith("*)") ? right.substring(5, right.length() - 2) : "";
        if (!inner.isEmpty() && inner.indexOf('*') < 0) {
            bodyPatterns.add(Pattern.quote(inner));
            return add(new Assertion.BodyContains(inner, negated), where);
        }
        var regex = regex(right);
        bodyPatterns.add(regex);
        return add(new Assertion.BodyMatches(regex, negated), where);
    }

    private boolean part(String path, String operator, String right, String where) {
        boolean pattern = right.startsWith("pat(") || right.startsWith("any(");
        if (operator.equals("==")) {
            return add(
                    pattern
                            ? new Assertion.JsonPathValue("$" + path, Assertion.Comparison.MATCHES, regex(right))
                            : new Assertion.JsonPathValue("$" + path, Assertion.Comparison.EQUAL, right),
                    where);
        }
        if (operator.equals("!=")) {
            var value = "string(response.json" + path + ")";
            return add(
                    new Assertion.Expression(
                            pattern
                                    ? "!" + value + ".matches(" + cel(regex(right)) + ")"
                                    : value + " != " + cel(right)),
                    where);
        }
        return NUMBER.matcher(right).matches()
                && add(
                        new Assertion.Expression("double(response.json" + path + ") " + operator + " "
                                + (right.indexOf('.') < 0 ? right + ".0" : right)),
                        where);
    }

    private static String cel(String text) {
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }

    /** A whole-text expression for a value, {@code any(…)} and {@code pat(…)}, in which a star stands for anything. */
    private static String regex(String value) {
        var alternatives = new ArrayList<String>();
        for (var each : any(value)) {
            boolean pattern = each.startsWith("pat(") && each.endsWith(")");
            var text = pattern ? each.substring(4, each.length() - 1) : each;
            var out = new StringBuilder();
            for (var part : text.splitWithDelimiters("\\*", -1)) {
                out.append(pattern && part.equals("*") ? ".*" : escaped(part));
            }
            alternatives.add(out.toString());
        }
        return "(?s)^"
                + (alternatives.size() == 1 ? alternatives.getFirst() : "(" + String.join("|", alternatives) + ")")
                + "$";
    }

    private static String escaped(String text) {
        return text.replaceAll("[\\\\.\\[\\]{}()+?^$|*]", "\\\\$0");
    }

    private boolean add(Assertion assertion, String where) {
        assertions.add(assertion);
        places.put(assertion, where);
        return true;
    }

    /** What Gatus does not ask about is not expected: without a condition every status is good. */
    List<StatusRange> statuses() {
        var ranges = new ArrayList<StatusRange>();
        statuses.clear(600, Math.max(601, statuses.size()));
        statuses.clear(0, 100);
        for (int from = statuses.nextSetBit(0); from >= 0; ) {
            int to = statuses.nextClearBit(from);
            ranges.add(new StatusRange(from, to - 1));
            from = statuses.nextSetBit(to);
        }
        if (ranges.isEmpty()) {
            sink.find(place + ".conditions", "no status meets all conditions");
        }
        return ranges;
    }

    List<Assertion> assertions() {
        return assertions;
    }

    @Nullable
    Duration maxLatency() {
        return maxLatency;
    }

    @Nullable
    Integer minCertificateDays() {
        return minCertificateDays;
    }

    @Nullable
    String responseCode() {
        return responseCode;
    }

    /** Bodies that are compared as a whole: for DNS, the answers. */
    List<String> exactBodies() {
        return List.copyOf(exactBodies);
    }

    /** Expressions over the body: for TCP, what is waited for. */
    List<String> bodyPatterns() {
        return List.copyOf(bodyPatterns);
    }

    /** Tells what a check of a mere connection cannot ask about. */
    void onlyConnection() {
        if (statusGiven) {
            sink.find(place + ".conditions", "[STATUS] means nothing for such a check");
        }
        lostLatency();
        places.forEach((assertion, where) -> {
            if (assertion instanceof Assertion.JsonPathValue || assertion instanceof Assertion.Expression) {
                sink.find(where, "the body cannot be taken apart for such a check");
            }
        });
    }

    void onlyDns() {
        lostLatency();
        places.forEach((assertion, where) -> {
            if (!(assertion instanceof Assertion.BodyMatches) || exactBodies.isEmpty()) {
                sink.find(where, "only whole answers can be compared: give expectedAnswers");
            }
        });
    }

    private void lostLatency() {
        if (maxLatency != null) {
            sink.find(place + ".conditions", "[RESPONSE_TIME] is limited by degradedAfter or timeout for such a check");
        }
    }
}
