package dev.coppice.control.history;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.Authorizer;
import dev.coppice.control.Authorizer.Action;
import dev.coppice.control.Trigger;
import dev.coppice.control.access.Impersonation;
import dev.coppice.control.engine.Engine;
import dev.coppice.control.engine.Target;
import dev.coppice.control.request.Json;
import dev.coppice.control.request.Statuses;
import dev.coppice.control.resource.Definition;
import dev.coppice.control.resource.Registry;
import dev.coppice.serving.Exchange;
import dev.coppice.serving.Identity;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The API group {@code history.coppice.dev}: changes, their causes, objects as they were, and how to undo. Everybody sees of the
 * past what they may get or list now. Safe for use by many threads.
 *
 * <pre>
 *   GET /apis/history.coppice.dev/v1/changes   of an object (resource and name), or of all that the user may list
 *   GET /apis/history.coppice.dev/v1/causes    of an object's newest change, or the one of resourceVersion, back to a person
 *   GET /apis/history.coppice.dev/v1/objects   as they were, at=10m or at=REVISION
 *   GET /apis/history.coppice.dev/v1/undo      which request undoes the newest change, all after to=, or the one of change=
 * </pre>
 */
public final class History {
    /** The API group. */
    public static final String GROUP = "history.coppice.dev";

    /** Entries that one request looks at. */
    private static final int MOST_LOOKED_AT = 20_000;

    private static final int PAGE = 500;
    private static final int DEEPEST = 20;
    private static final int MOST_CAUSES = 100;

    private final Engine engine;
    private final Registry registry;
    private final Authorizer authorizer;
    private final Journal journal;
    private final PastObjects past;
    private final Undo undo;

    public History(Engine engine, Registry registry, Authorizer authorizer, Journal journal) {
        this.engine = engine;
        this.registry = registry;
        this.authorizer = authorizer;
        this.journal = journal;
        this.past = new PastObjects(journal, engine.store());
        this.undo = new Undo(engine, journal, past);
    }

    /** Answers a request below {@code /apis/history.coppice.dev}; {@code rest} is what follows. */
    public void handle(Exchange exchange, List<String> rest) throws IOException {
        if (rest.size() != 2 || !rest.getFirst().equals("v1")) {
            throw Statuses.noSuchPath();
        }
        if (!exchange.method().equals("GET")) {
            throw Statuses.methodNotAllowed();
        }
        Map<String, String> query = new HashMap<>();
        exchange.queries()
                .keySet()
                .forEach(name -> query.put(name, exchange.query(name).orElse("")));
        ObjectNode answer = ask(exchange.identity(), rest.get(1), query);
        exchange.status(200).setHeader("Content-Type", "application/json");
        exchange.send(Json.bytes(answer));
    }

    /** Answers a question of the API, for a user: {@code changes}, {@code causes}, {@code objects} or {@code undo}. */
    public ObjectNode ask(Identity identity, String what, Map<String, String> query) {
        HistoryQuery asked = HistoryQuery.of(query, engine.kernel().clock().currentTimeMillis());
        return switch (what) {
            case "changes" -> changes(identity, asked);
            case "causes" -> causes(identity, asked);
            case "objects" -> objects(identity, asked);
            case "undo" -> undo(identity, asked);
            default -> throw Statuses.noSuchPath();
        };
    }

    // ---- what it is about

    /** A type as kubectl takes it: plural, singular, short name or kind, with or without group. */
    public @Nullable Definition resolve(String text) {
        String lower = text.toLowerCase(Locale.ROOT);
        int dot = lower.indexOf('.');
        String word = dot < 0 ? lower : lower.substring(0, dot);
        String group = dot < 0 ? "" : lower.substring(dot + 1);
        Definition best = null;
        for (Definition d : registry.snapshot().all()) {
            boolean named = d.plural().equals(word)
                    || d.singular().equals(word)
                    || d.kind().toLowerCase(Locale.ROOT).equals(word)
                    || d.shortNames().contains(word);
            boolean grouped = dot < 0
                    || d.group().equals(group)
                    || group.equals(d.version() + "." + d.group())
                    || group.equals(d.version()) && d.group().isEmpty();
            if (named && grouped && (best == null || rank(d, word) < rank(best, word))) {
                best = d;
            }
        }
        return best;
    }

    /** The core group first, names before short names, newer versions before older ones as the registry orders them. */
    private static int rank(Definition d, String word) {
        int rank = d.group().isEmpty() ? 0 : d.custom() ? 2 : 1;
        return d.plural().equals(word) || d.singular().equals(word) ? rank : rank + 4;
    }

    private Definition definition(HistoryQuery query) {
        Definition found = resolve(query.resource());
        if (query.resource().isEmpty() || found == null || !found.stored()) {
            throw Statuses.badRequest("resource: " + Statuses.quote(query.resource())
                    + " is no type that this server stores; expected a name such as configmaps, cm or"
                    + " healthchecks.health.coppice.dev, as kubectl api-resources lists them");
        }
        return found;
    }

    private Target target(HistoryQuery query, Definition d) {
        String namespace = !d.namespaced() ? "" : query.namespace().isEmpty() ? "default" : query.namespace();
        if (query.name().isEmpty()) {
            throw Statuses.badRequest("name: is empty; expected the name of an object of " + d.qualified());
        }
        return Target.of(d, namespace, query.name());
    }

    private Target readable(Identity identity, HistoryQuery query) {
        Target target = target(query, definition(query));
        Definition d = target.definition();
        check(identity, new Action("get", d.group(), d.plural(), target.namespace(), target.name()));
        return target;
    }

    private void check(Identity identity, Action action) {
        if (!authorizer.authorize(identity, action).allowed()) {
            throw Statuses.forbidden(
                    action.group(), action.resource(), action.name(), Impersonation.refusal(identity, action));
        }
    }

    /** What somebody may see, remembered for one request. */
    private final class Sight {
        private final Identity identity;
        private final Map<String, Boolean> lists = new HashMap<>();

        Sight(Identity identity) {
            this.identity = identity;
        }

        boolean of(String group, String plural, String namespace, String name) {
            return lists.computeIfAbsent(
                            group + "/" + plural + "/" + namespace,
                            _ -> allowed("list", group, plural, namespace, "")
                                    && allowed("get", group, plural, namespace, ""))
                    || allowed("get", group, plural, namespace, name);
        }

        private boolean allowed(String verb, String group, String plural, String namespace, String name) {
            return authorizer
                    .authorize(identity, new Action(verb, group, plural, namespace, name))
                    .allowed();
        }

        boolean of(Entry entry) {
            Entry.Subject s = entry.subject();
            return of(s.group(), s.plural(), s.namespace(), s.name());
        }

        boolean of(Trigger.Change change) {
            return of(change.type().group(), change.type().plural(), change.namespace(), change.name());
        }
    }

    // ---- changes

    private ObjectNode changes(Identity identity, HistoryQuery query) {
        Sight sight = new Sight(identity);
        List<Entry> found = new ArrayList<>();
        String next =
                query.name().isEmpty() ? ofAll(query, sight, found) : ofOne(readable(identity, query), query, found);
        ObjectNode list = Json.object().put("kind", "ChangeList").put("apiVersion", ChangeTree.API_VERSION);
        ObjectNode metadata = list.putObject("metadata");
        if (!next.isEmpty()) {
            metadata.put("continue", next);
        }
        Journal.Horizon horizon = journal.horizon();
        metadata.put(
                "completeSince",
                java.time.Instant.ofEpochMilli(horizon.timeMillis()).toString());
        ArrayNode items = list.putArray("items");
        found.forEach(each -> items.add(ChangeTree.of(each, sight::of)));
        return list;
    }

    private String ofOne(Target target, HistoryQuery query, List<Entry> found) {
        long below = query.token().matches("[0-9]{1,18}") ? Long.parseLong(query.token()) : Long.MAX_VALUE;
        for (int looked = 0; looked < MOST_LOOKED_AT; looked += PAGE) {
            List<Entry> page = journal.of(target.key(), below, 0, PAGE);
            for (Entry each : page) {
                if (chosen(each, query)) {
                    if (found.size() == query.limit()) {
                        return Long.toString(found.getLast().revision());
                    }
                    found.add(each);
                }
                below = each.revision();
            }
            if (page.size() < PAGE) {
                return "";
            }
        }
        return Long.toString(below);
    }

    private String ofAll(HistoryQuery query, Sight sight, List<Entry> found) {
        Predicate<Entry> wanted = wanted(query);
        String start = query.token().isEmpty() && query.untilMillis() != Long.MAX_VALUE
                ? Journal.idOf(query.untilMillis())
                : query.token();
        for (int looked = 0; looked < MOST_LOOKED_AT; looked += PAGE) {
            Journal.Page page = journal.all(start, query.sinceMillis(), 0, PAGE);
            for (Entry each : page.entries()) {
                if (wanted.test(each) && chosen(each, query) && sight.of(each)) {
                    if (found.size() == query.limit()) {
                        return each.id();
                    }
                    found.add(each);
                }
            }
            start = page.next();
            if (start.isEmpty()) {
                return "";
            }
        }
        return start;
    }

    private Predicate<Entry> wanted(HistoryQuery query) {
        Definition d = query.resource().isEmpty() ? null : definition(query);
        return entry -> (d == null
                        || entry.subject().group().equals(d.group())
                                && entry.subject().plural().equals(d.plural()))
                && (query.namespace().isEmpty() || entry.subject().namespace().equals(query.namespace()));
    }

    private static boolean chosen(Entry entry, HistoryQuery query) {
        return (query.user().isEmpty() || entry.author().user().equals(query.user()))
                && (query.status() || !entry.statusOnly())
                && entry.timeMillis() >= query.sinceMillis()
                && entry.timeMillis() < query.untilMillis();
    }

    // ---- causes

    private ObjectNode causes(Identity identity, HistoryQuery query) {
        Target target = readable(identity, query);
        String asked = query.version();
        if (!asked.matches("[0-9]{0,18}")) {
            throw Statuses.badRequest("resourceVersion: " + Statuses.quote(asked) + "; expected a number");
        }
        Entry entry = asked.isEmpty() ? newest(target) : journal.at(target.key(), Long.parseLong(asked));
        if (entry == null) {
            throw Statuses.of(
                    404,
                    "NotFound",
                    "the journal has no change of " + target.definition().plural() + " " + Statuses.quote(target.name())
                            + (asked.isEmpty() ? "" : " at resourceVersion " + asked) + "; it begins at "
                            + java.time.Instant.ofEpochMilli(journal.horizon().timeMillis()));
        }
        ObjectNode answer = Json.object().put("kind", "Causes").put("apiVersion", ChangeTree.API_VERSION);
        answer.set("change", chain(entry, new Sight(identity), 0, new HashSet<>()));
        return answer;
    }

    /** A change of more than the status says more about why the object is as it is. */
    private @Nullable Entry newest(Target target) {
        List<Entry> entries = journal.of(target.key(), Long.MAX_VALUE, 0, PAGE);
        return entries.stream()
                .filter(e -> !e.statusOnly())
                .findFirst()
                .orElse(entries.isEmpty() ? null : entries.getFirst());
    }

    private ObjectNode chain(Entry entry, Sight sight, int depth, Set<String> seen) {
        ObjectNode tree = ChangeTree.of(entry, sight::of);
        ArrayNode because = Json.array();
        int index = 0;
        for (Trigger each : entry.triggers()) {
            ObjectNode shown = (ObjectNode) tree.path("because").get(index++).deepCopy();
            if (each instanceof Trigger.Change change && sight.of(change)) {
                Entry before = before(change);
                boolean fresh = seen.size() < MOST_CAUSES
                        && seen.add(change.type().plural() + "/" + change.namespace() + "/" + change.name() + "@"
                                + change.resourceVersion());
                if (before == null) {
                    shown.put("unknown", "the journal does not have this change, or no longer");
                } else if (depth < DEEPEST && fresh) {
                    shown.set("change", chain(before, sight, depth + 1, seen));
                }
            }
            because.add(shown);
        }
        tree.set("because", because);
        return tree;
    }

    private @Nullable Entry before(Trigger.Change change) {
        Definition d = registry.any(change.type().group(), change.type().plural());
        return d == null || !d.stored() || !change.resourceVersion().matches("[0-9]{1,18}")
                ? null
                : journal.at(d.storageKey(change.namespace(), change.name()), Long.parseLong(change.resourceVersion()));
    }

    // ---- the past

    private ObjectNode objects(Identity identity, HistoryQuery query) {
        PastObjects.Moment moment = query.moment(engine.kernel().clock().currentTimeMillis());
        if (!query.name().isEmpty()) {
            Target target = readable(identity, query);
            ObjectNode object = past.at(target, moment);
            if (object == null) {
                throw Statuses.of(
                        404,
                        "NotFound",
                        target.definition().qualified() + " " + Statuses.quote(target.name()) + " was not there at "
                                + moment);
            }
            return object;
        }
        Definition d = definition(query);
        String namespace = d.namespaced() ? query.namespace() : "";
        check(identity, new Action("list", d.group(), d.plural(), namespace, ""));
        ObjectNode list = Json.object().put("kind", d.listKind()).put("apiVersion", d.apiVersion());
        list.putObject("metadata");
        ArrayNode items = list.putArray("items");
        past.list(d, namespace, moment).forEach(items::add);
        return list;
    }

    private ObjectNode undo(Identity identity, HistoryQuery query) {
        Target target = readable(identity, query);
        if (query.to() > 0 && query.change() > 0) {
            throw Statuses.badRequest("to, change: give one of them");
        }
        Undo.Plan plan = query.change() > 0 ? undo.change(target, query.change()) : undo.to(target, query.to());
        Definition d = target.definition();
        Sight sight = new Sight(identity);
        ObjectNode answer = Json.object().put("kind", "Undo").put("apiVersion", ChangeTree.API_VERSION);
        answer.put("action", plan.action().name().toLowerCase(Locale.ROOT));
        String base = (d.group().isEmpty() ? "/api/" : "/apis/" + d.group() + "/") + d.version()
                + (target.namespace().isEmpty() ? "" : "/namespaces/" + target.namespace()) + "/" + d.plural();
        answer.put("collection", base).put("name", target.name());
        answer.set("diff", ChangeTree.difference(plan.difference(), d.sealed()));
        ObjectNode object = plan.object();
        if (object != null) {
            answer.set("object", object);
        }
        ArrayNode undone = answer.putArray("undone");
        plan.undone().forEach(each -> undone.add(ChangeTree.of(each, sight::of)));
        ArrayNode conflicts = answer.putArray("conflicts");
        plan.conflicts().forEach(each -> conflicts.add(ChangeTree.of(each, sight::of)));
        return answer;
    }
}
