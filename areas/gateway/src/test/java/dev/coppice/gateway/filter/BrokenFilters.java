package dev.coppice.gateway.filter;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** A provider that is broken. */
public final class BrokenFilters implements FilterFactory {
    public BrokenFilters() {
        throw new IllegalStateException("it is broken");
    }

    @Override
    public String name() {
        return "Broken";
    }

    @Override
    public Filter create(ObjectNode config) {
        return new Filter() {};
    }
}
