package dev.coppice.control.resource;

import com.fasterxml.jackson.databind.JsonNode;
import dev.coppice.schema.table.JsonPath;
import dev.coppice.schema.table.PrinterColumns;

/** The columns of custom resources, from additionalPrinterColumns. */
final class CustomColumns {
    private CustomColumns() {}

    static Columns of(JsonNode columns) {
        try {
            return Columns.declared(PrinterColumns.of(columns));
        } catch (JsonPath.InvalidPathException e) {
            return Columns.declared(PrinterColumns.of(null));
        }
    }
}
