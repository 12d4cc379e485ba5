package dev.coppice.gateway.cache;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Predicate;

/** Header fields that are kept, in the order in which they came, their names in lower case. Immutable. */
public final class Fields implements FieldValues {
    /** What an entry of the list takes beside its characters, about. */
    private static final int LINE_BYTES = 96;

    public static final Fields NONE = new Fields(List.of());

    /** Names and values by turns. */
    private final String[] lines;

    private Fields(List<String> lines) {
        this.lines = lines.toArray(String[]::new);
    }

    /** Makes fields. Used by one thread. */
    public static final class Builder {
        private final List<String> lines = new ArrayList<>();

        /** @param name in any case */
        public Builder add(CharSequence name, CharSequence value) {
            lines.add(name.toString().toLowerCase(Locale.ROOT));
            lines.add(value.toString());
            return this;
        }

        public Fields made() {
            return lines.isEmpty() ? NONE : new Fields(lines);
        }
    }

    /** Of names and values by turns. */
    public static Fields of(String... lines) {
        Builder made = new Builder();
        for (int i = 0; i < lines.length; i += 2) {
            made.add(lines[i], lines[i + 1]);
        }
        return made.made();
    }

    @Override
    public List<String> all(String name) {
        List<String> found = null;
        for (int i = 0; i < lines.length; i += 2) {
            if (lines[i].equals(name)) {
                if (found == null) {
                    found = new ArrayList<>(1);
                }
                found.add(lines[i + 1]);
            }
        }
        return found == null ? List.of() : found;
    }

    @Override
    public Collection<String> underscored() {
        Set<String> names = new LinkedHashSet<>(0);
        for (int i = 0; i < lines.length; i += 2) {
            if (lines[i].indexOf('_') >= 0) {
                names.add(lines[i]);
            }
        }
        return names;
    }

    public void forEach(BiConsumer<String, String> each) {
        for (int i = 0; i < lines.length; i += 2) {
            each.accept(lines[i], lines[i + 1]);
        }
    }

    /** Those whose names are wanted. */
    public Fields only(Predicate<String> wanted) {
        List<String> kept = new ArrayList<>(lines.length);
        forEach((name, value) -> {
            if (wanted.test(name)) {
                kept.add(name);
                kept.add(value);
            }
        });
        return new Fields(kept);
    }

    /** These, with all fields of {@code newer} instead of those of the same names. */
    public Fields with(Fields newer) {
        Set<String> replaced = new HashSet<>();
        newer.forEach((name, _) -> replaced.add(name));
        List<String> all = new ArrayList<>();
        BiConsumer<String, String> add = (name, value) -> {
            all.add(name);
            all.add(value);
        };
        only(name -> !replaced.contains(name)).forEach(add);
        newer.forEach(add);
        return new Fields(all);
    }

    /** What they take of memory, about. */
    int bytes() {
        int bytes = 0;
        for (String each : lines) {
            bytes += each.length();
        }
        return bytes + LINE_BYTES * lines.length / 2;
    }

    @Override
    public String toString() {
        return String.join("|", lines);
    }
}
