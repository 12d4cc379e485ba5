package dev.coppice.gateway.proxy;

import dev.coppice.gateway.cache.FieldValues;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The headers of a message, as the cache looks at them. */
record HeaderFields(HttpHeaders headers) implements FieldValues {
    @Override
    public List<String> all(String name) {
        return headers.getAll(name);
    }

    @Override
    public boolean has(String name) {
        return headers.contains(name);
    }

    @Override
    public Collection<String> underscored() {
        List<String> names = List.of();
        for (Iterator<Map.Entry<CharSequence, CharSequence>> each = headers.iteratorCharSequence(); each.hasNext(); ) {
            CharSequence name = each.next().getKey();
            for (int i = 0; i < name.length(); i++) {
                if (name.charAt(i) == '_') {
                    String lower = name.toString().toLowerCase(Locale.ROOT);
                    names = names.isEmpty() ? new ArrayList<>(1) : names;
                    if (!names.contains(lower)) {
                        names.add(lower);
                    }
                    break;
                }
            }
        }
        return names;
    }
}
