package dev.coppice.gateway.function;

import dev.coppice.gateway.filter.HeaderChanges;
import dev.coppice.gateway.filter.HeaderField;
import dev.coppice.gateway.filter.Headers;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/** Headers that a guest reads and changes. Not safe for use by many threads. */
final class HeaderList {
    /** Names that may be changed, and values that may be given. */
    private static final int MOST = 64;
    /** Characters of the names and values given. */
    private static final int MOST_CHARACTERS = 64 << 10;

    private final List<Map.Entry<String, String>> fields;
    private final Predicate<String> reserved;
    private final Set<String> changed = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
    /** Those of which nothing is left that was there before. */
    private final Set<String> replaced = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
    /** Given besides what was there before. */
    private final List<HeaderField> added = new ArrayList<>();

    private int given;
    private int characters;

    /** @param reserved names, in lower case, that cannot be changed */
    HeaderList(Headers headers, Predicate<String> reserved) {
        this.fields = new ArrayList<>(headers.fields());
        this.reserved = reserved;
    }

    /** All names, in lower case, each once. */
    List<String> names() {
        return fields.stream()
                .map(each -> each.getKey().toLowerCase(Locale.ROOT))
                .distinct()
                .toList();
    }

    List<String> values(String name) {
        List<String> values = new ArrayList<>(1);
        for (Map.Entry<String, String> each : fields) {
            if (each.getKey().equalsIgnoreCase(name)) {
                values.add(each.getValue());
            }
        }
        return values;
    }

    void set(String name, String value) {
        HeaderField field = field(name, value);
        replace(name);
        fields.add(Map.entry(field.name(), field.value()));
    }

    void add(String name, String value) {
        HeaderField field = field(name, value);
        if (!replaced.contains(name)) {
            added.add(field);
        }
        fields.add(Map.entry(field.name(), field.value()));
    }

    void remove(String name) {
        change(name);
        replace(name);
    }

    private void replace(String name) {
        replaced.add(name);
        added.removeIf(each -> each.name().equalsIgnoreCase(name));
        fields.removeIf(each -> each.getKey().equalsIgnoreCase(name));
    }

    private HeaderField field(String name, String value) {
        if (++given > MOST) {
            throw new GuestFault("it gives more than " + MOST + " values of headers");
        }
        characters += name.length() + value.length();
        if (characters > MOST_CHARACTERS) {
            throw new GuestFault("it gives headers of more than " + MOST_CHARACTERS + " characters");
        }
        change(name);
        try {
            return new HeaderField(name, value);
        } catch (IllegalArgumentException e) {
            throw new GuestFault(String.valueOf(e.getMessage()));
        }
    }

    private void change(String name) {
        if (reserved.test(name.toLowerCase(Locale.ROOT))) {
            throw new GuestFault("the header " + name + " is the gateway's own, and cannot be changed");
        }
        changed.add(name);
        if (changed.size() > MOST) {
            throw new GuestFault("it changes more than " + MOST + " headers");
        }
    }

    /** What was changed, as changes of whatever is there: what was only added leaves the rest alone. */
    HeaderChanges changes() {
        if (changed.isEmpty()) {
            return HeaderChanges.NONE;
        }
        List<String> removed = new ArrayList<>();
        List<HeaderField> set = new ArrayList<>();
        List<HeaderField> more = new ArrayList<>(added);
        for (String name : replaced) {
            List<String> values = values(name);
            if (values.isEmpty()) {
                removed.add(name);
                continue;
            }
            for (int i = 0; i < values.size(); i++) {
                (i == 0 ? set : more).add(new HeaderField(name, values.get(i)));
            }
        }
        return new HeaderChanges(removed, set, more);
    }

    /** All there are. */
    List<HeaderField> all() {
        return fields.stream()
                .map(each -> new HeaderField(each.getKey(), each.getValue()))
                .toList();
    }
}
