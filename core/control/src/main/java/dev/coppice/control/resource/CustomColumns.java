package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.JsonNode;

/** The columns of custom resources, from additionalPrinterColumns. */
final class CustomColumns {
    private CustomColumns() {}

    static Columns of(JsonNode columns) {
        if (columns.isEmpty()) {
            return Columns.CUSTOM_DEFAULT;
        }
        return Columns.CUSTOM_DEFAULT;
    }
}
