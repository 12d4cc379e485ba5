package dev.coppice.gateway.explain;

import dev.coppice.gateway.balance.CookieHeader;
import dev.coppice.gateway.balance.Subsets;
import dev.coppice.gateway.config.BalanceConfig.Subset;
import dev.coppice.gateway.config.FilterConfig;
import dev.coppice.gateway.config.FilterConfig.Header;
import dev.coppice.gateway.config.FilterConfig.HeaderChanges;
import dev.coppice.gateway.config.UpstreamConfig;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Among which endpoints of an upstream that of a request would be chosen, by what the request names after the filters on its way. Immutable.
 *
 * @param words empty where the upstream has no subsets
 * @param endpoints how many there are to choose from
 */
record SubsetChoice(String words, int endpoints) {

    /**
     * The choice for a request.
     *
     * @param filters those of its rule, then those of the backend
     */
    static SubsetChoice of(UpstreamConfig upstream, Question question, List<List<FilterConfig>> filters) {
        int all = upstream.endpoints().size();
        Subset by = upstream.traffic() == null || upstream.traffic().balance() == null
                ? null
                : upstream.traffic().balance().subset();
        if (by == null) {
            return new SubsetChoice("", all);
        }
        Set<String> there = there(upstream, by);
        String source = by.header() == null ? "cookie" : by.header();
        String header = header(question.header(source), source, filters);
        String name = by.header() == null && header != null
                ? CookieHeader.first(header, Objects.requireNonNull(by.cookie()))
                : header;
        String what = by.header() == null ? "the cookie " + by.cookie() : "the header " + by.header();
        boolean changed = !Objects.equals(header, question.header(source));
        String said = name == null
                ? "this request names no subset (" + what + " is not there" + (changed ? " after its filters" : "")
                        + ")"
                : "this request names the subset " + name + " (" + what + (changed ? ", which a filter changes" : "")
                        + ")";
        if (name != null && there.contains(name)) {
            return made(said, name, upstream, filters);
        }
        String none = name == null ? said : said + ", which no endpoint belongs to";
        return switch (by.fallback()) {
            case ANY -> new SubsetChoice(none + ": to any of " + all + " endpoints" + unless(filters), all);
            case NONE -> new SubsetChoice(none + ": to none" + unless(filters), 0);
            case DEFAULT -> made(none + ": to the default", by.defaultName(), upstream, filters);
        };
    }

    private static SubsetChoice made(
            String said, String name, UpstreamConfig upstream, List<List<FilterConfig>> filters) {
        int count = (int) upstream.endpoints().stream()
                .filter(each -> each.subset().equals(name))
                .count();
        return new SubsetChoice(
                said + (said.endsWith("default") ? " " + name : "") + ", " + count + " of "
                        + upstream.endpoints().size() + " endpoints" + (count == 0 ? ", none of which is ready" : "")
                        + unless(filters),
                count);
    }

    /** Those that count: there is a bound. */
    private static Set<String> there(UpstreamConfig upstream, Subset by) {
        TreeSet<String> all = new TreeSet<>(upstream.absentSubsets());
        upstream.endpoints().stream()
                .map(UpstreamConfig.Endpoint::subset)
                .filter(each -> !each.isEmpty())
                .forEach(all::add);
        Set<String> some = all.stream().limit(Subsets.MOST).collect(Collectors.toCollection(HashSet::new));
        if (all.contains(by.defaultName())) {
            some.add(by.defaultName());
        }
        return some;
    }

    /** The value of a header after changes of filters, as the data plane makes them; null when there is none. */
    private static @Nullable String header(@Nullable String sent, String name, List<List<FilterConfig>> filters) {
        List<String> values = new ArrayList<>(sent == null ? List.of() : List.of(sent));
        for (List<FilterConfig> together : filters) {
            List<HeaderChanges> changes = together.stream()
                    .filter(FilterConfig.RequestHeaders.class::isInstance)
                    .map(each -> ((FilterConfig.RequestHeaders) each).changes())
                    .toList();
            if (changes.stream().anyMatch(each -> each.remove().stream().anyMatch(name::equalsIgnoreCase))) {
                values.clear();
            }
            for (HeaderChanges each : changes) {
                for (Header set : each.set()) {
                    if (set.name().equalsIgnoreCase(name)) {
                        values.clear();
                        values.add(set.value());
                    }
                }
            }
            for (HeaderChanges each : changes) {
                for (Header added : each.add()) {
                    if (added.name().equalsIgnoreCase(name)) {
                        values.add(added.value());
                    }
                }
            }
        }
        return values.isEmpty() ? null : String.join(",", values);
    }

    /** Filters by name may change what is known only when there is a request. */
    private static String unless(List<List<FilterConfig>> filters) {
        String named = filters.stream()
                .flatMap(List::stream)
                .filter(FilterConfig.Named.class::isInstance)
                .map(each -> ((FilterConfig.Named) each).name())
                .collect(Collectors.joining(", "));
        return named.isEmpty() ? "" : ", unless a filter changes that: " + named;
    }
}
