package dev.coppice.acceptance.gateway;

import dev.coppice.acceptance.gateway.Claim.Condition;
import dev.coppice.acceptance.gateway.Claim.ListenerStatus;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads the claims of {@code cases.md}: a list of rules, the first of which to match a whole text counts. */
final class Claims {
    /** A text of the data, and what it is read as; null when it is something else after all. */
    private record Rule(Pattern pattern, Function<MatchResult, @Nullable Claim> reading) {}

    private static final String KIND = "([A-Z][A-Za-z]+)";
    private static final String OBJECT = "([a-z0-9.-]*/[A-Za-z0-9.-]+)";
    private static final String OBJECTS = "([a-z0-9.-]*/[A-Za-z0-9.-]+(?:, [a-z0-9.-]*/[A-Za-z0-9.-]+)*)";
    private static final String CONDITION = "([A-Z]\\w+=\\w+(?: \\(reason \\w+\\))?)";
    private static final Pattern A_CONDITION = Pattern.compile("([A-Z]\\w+)=(\\w+)(?: \\(reason (\\w+)\\))?");
    private static final Pattern A_LISTENER = Pattern.compile(
            "listener `([^`]+)`: attachedRoutes (\\d+), supportedKinds \\[([^]]*)], conditions \\[([^]]*)]");
    private static final Pattern A_LISTENER_IN_BRACES = Pattern.compile(
            "\\{Name: ([^,]+), SupportedKinds: ([A-Za-z, ]*?), AttachedRoutes: (\\d+), Conditions: ([^}]*)}");
    private static final Pattern A_WEIGHT = Pattern.compile("([A-Za-z0-9.-]+): ([0-9.]+)");
    private static final Pattern WORDS = Pattern.compile("[A-Za-z]+");

    private static final List<Rule> RULES = List.of(
            rule(
                    "Gateway " + OBJECT + "(?: \\(listeners ([^)]+)\\))? has an address and is accepted; " + KIND
                            + "?(?:route)?\\(s\\) (.+) are accepted by it",
                    m -> new Claim.GatewayServes(
                            m.group(1), list(m.group(2)), true, kind(m.group(3)), objects(m.group(4)))),
            rule(
                    "Gateway " + OBJECT + "(?: \\(listeners ([^)]+)\\))? gets an address",
                    m -> new Claim.GatewayServes(m.group(1), list(m.group(2)), false, "", List.of())),
            rule(
                    "parent " + OBJECT + " is accepted; route\\(s\\) (.+) are accepted by it",
                    m -> new Claim.ParentServes(m.group(1), objects(m.group(2)))),
            rule(
                    KIND + " " + OBJECTS + ": ResolvedRefs=True for parent " + OBJECT,
                    m -> new Claim.RouteCondition(
                            m.group(1), objects(m.group(2)), m.group(3), new Condition("ResolvedRefs", "True", ""))),
            rule(
                    KIND + " " + OBJECTS + " under parent " + OBJECT + ": condition " + CONDITION,
                    m -> new Claim.RouteCondition(m.group(1), objects(m.group(2)), m.group(3), condition(m.group(4)))),
            rule(
                    KIND + " " + OBJECT + ": no parent has accepted it",
                    m -> new Claim.NoParentAccepted(m.group(1), m.group(2))),
            rule(
                    "Gateway " + OBJECT + ": attachedRoutes is (\\d+)",
                    m -> new Claim.AttachedRoutes(m.group(1), Integer.parseInt(m.group(2)))),
            rule(
                    "Gateway " + OBJECT + ": status.attachedListenerSets is (\\d+)",
                    m -> new Claim.AttachedListenerSets(m.group(1), Integer.parseInt(m.group(2)))),
            rule(
                    KIND + " " + OBJECT
                            + ": status.parents is (?:parent )?(?:the Gateway|\\{Name: ([A-Za-z0-9.-]+), Namespace: ([a-z0-9-]+)}) with \\[(.+)]",
                    // Names of variables that were not resolved have capitals, which names of objects cannot have.
                    m -> new Claim.OnlyParent(
                            m.group(1),
                            m.group(2),
                            m.group(3) == null || !m.group(3).equals(m.group(3).toLowerCase(java.util.Locale.ROOT))
                                    ? ""
                                    : m.group(4) + "/" + m.group(3),
                            conditions(m.group(5)))),
            rule(
                    KIND + " " + OBJECT + ": status.listeners is exactly (.+)",
                    m -> listeners(m.group(1), m.group(2), true, m.group(3))),
            rule(
                    KIND + " " + OBJECT + "(?:: every listener has|, one listener:) (.+)",
                    m -> listener(m.group(1), m.group(2), m.group(3))),
            rule(
                    KIND + " " + OBJECT + ": listeners \\(((?:[^()]|\\([^()]*\\))+)\\)",
                    m -> listener(m.group(1), m.group(2), m.group(3))),
            rule(
                    KIND + " " + OBJECT + ": every condition has observedGeneration = metadata.generation",
                    m -> new Claim.LatestConditions(m.group(1), m.group(2))),
            rule(
                    KIND + " " + OBJECT + ", ancestor " + OBJECT + ": (?:condition )?" + CONDITION,
                    m -> new Claim.AncestorCondition(m.group(1), m.group(2), m.group(3), condition(m.group(4)))),
            rule(
                    KIND + " " + OBJECT + ": condition " + CONDITION,
                    m -> new Claim.ObjectCondition(m.group(1), m.group(2), condition(m.group(3)))),
            rule(
                    KIND + " " + OBJECT + ": an? ([A-Z]\\w+) condition of any status is present",
                    m -> new Claim.ObjectCondition(m.group(1), m.group(2), new Condition(m.group(3), "", ""))),
            rule(
                    "(\\d+) requests are spread over the backends with the weights \\{(.+)}, each within (\\d+) percentage points; up to (\\d+) attempts",
                    m -> new Claim.Distribution(
                            Integer.parseInt(m.group(1)),
                            weights(m.group(2)),
                            Integer.parseInt(m.group(3)) / 100.0,
                            Integer.parseInt(m.group(4)))),
            rule(
                    "make request and expect failure: as below|HTTPS request \\(args: .*\\)|HTTPS request must fail \\(.*\\)"
                            + "|a datagram is echoed, by backend as below|an echo comes back|the mirror backends log the mirrored request .*",
                    _ -> new Claim.Announcement()),
            rule("TLS handshake must be rejected.*", _ -> new Claim.HandshakeRefused()),
            rule("the test (?:patches|deletes|updates|creates|checks|changes).*", _ -> new Claim.Unmechanical()));

    private Claims() {}

    private static Rule rule(String pattern, Function<MatchResult, @Nullable Claim> reading) {
        return new Rule(Pattern.compile(pattern), reading);
    }

    /** @param line a list item, without its dash */
    static Claim.Told parse(String line) {
        String text = Texts.withoutStep(line);
        for (Rule rule : RULES) {
            Matcher matcher = rule.pattern().matcher(text);
            Claim claim = matcher.matches() ? rule.reading().apply(matcher) : null;
            if (claim != null) {
                return new Claim.Told(claim, Texts.step(line), line);
            }
        }
        return new Claim.Told(new Claim.NotUnderstood(), Texts.step(line), line);
    }

    private static String kind(@Nullable String before) {
        return before == null ? "" : before;
    }

    private static List<String> list(@Nullable String text) {
        return text == null || text.isBlank() ? List.of() : List.of(text.split(", "));
    }

    /** Objects of a list; "as below" and {@code {}} are none. */
    private static List<String> objects(String text) {
        return list(text).stream().filter(name -> name.matches(OBJECT)).toList();
    }

    static Condition condition(String text) {
        return conditions(text).getFirst();
    }

    private static List<Condition> conditions(String text) {
        List<Condition> conditions = new ArrayList<>();
        Matcher matcher = A_CONDITION.matcher(text);
        while (matcher.find()) {
            String reason = matcher.group(3);
            conditions.add(new Condition(matcher.group(1), matcher.group(2), reason == null ? "" : reason));
        }
        return conditions;
    }

    private static Map<String, Double> weights(String text) {
        Map<String, Double> weights = new HashMap<>();
        A_WEIGHT.matcher(text).results().forEach(m -> weights.put(m.group(1), Double.parseDouble(m.group(2))));
        return weights;
    }

    /** Listeners in either of the two forms of the data. */
    private static @Nullable Claim listeners(String kind, String object, boolean exactly, String text) {
        List<ListenerStatus> listeners = new ArrayList<>();
        A_LISTENER
                .matcher(text)
                .results()
                .forEach(m -> listeners.add(new ListenerStatus(
                        m.group(1), Integer.parseInt(m.group(2)), words(m.group(3)), conditions(m.group(4)))));
        A_LISTENER_IN_BRACES
                .matcher(text)
                .results()
                .forEach(m -> listeners.add(new ListenerStatus(
                        m.group(1), Integer.parseInt(m.group(3)), words(m.group(2)), conditions(m.group(4)))));
        long told = text.split("listener `|\\{Name: ", -1).length - 1L;
        return listeners.size() == told && told > 0 ? new Claim.Listeners(kind, object, exactly, listeners) : null;
    }

    /** A listener's conditions with its name first or last among them. */
    private static @Nullable Claim listener(String kind, String object, String text) {
        List<String> names = Texts.split(text, ", ").stream()
                .filter(part -> !A_CONDITION.matcher(part).matches())
                .toList();
        return names.size() == 1
                ? new Claim.Listeners(
                        kind, object, false, List.of(new ListenerStatus(names.getFirst(), -1, null, conditions(text))))
                : null;
    }

    private static List<String> words(String text) {
        return WORDS.matcher(text).results().map(MatchResult::group).toList();
    }
}
