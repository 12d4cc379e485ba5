package dev.coppice.console;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Map;
import java.util.regex.Pattern;

/** Writes a JSON tree as YAML 1.2 in HTML, with marks for keys, strings and numbers. All text is escaped. */
final class YamlView {
    private static final Pattern PLAIN = Pattern.compile("[A-Za-z_./][A-Za-z0-9_./@%+=-]*(:[A-Za-z0-9_./@%+=-]+)*");
    private static final Pattern RESERVED =
            Pattern.compile("(?i)null|~|true|false|yes|no|on|off|y|n|\\.nan|[-+]?\\.inf|0x[0-9a-f]+|0o[0-7]+");
    private static final Pattern NUMERIC = Pattern.compile("[-+.]?[0-9].*");

    private final StringBuilder out = new StringBuilder(4_096);

    private YamlView() {}

    static String html(JsonNode tree) {
        YamlView view = new YamlView();
        view.block(tree, 0);
        return view.out.toString();
    }

    private void block(JsonNode node, int indent) {
        switch (node) {
            case ObjectNode object -> {
                boolean first = true;
                for (Map.Entry<String, JsonNode> field : object.properties()) {
                    if (!first) {
                        newLine(indent);
                    }
                    first = false;
                    out.append("<span class=\"k\">")
                            .append(escape(key(field.getKey())))
                            .append("</span>:");
                    value(field.getValue(), indent);
                }
            }
            case ArrayNode array -> {
                boolean first = true;
                for (JsonNode item : array) {
                    if (!first) {
                        newLine(indent);
                    }
                    first = false;
                    out.append("- ");
                    if (item.isContainerNode() && !item.isEmpty()) {
                        block(item, indent + 2);
                    } else {
                        scalar(item, indent);
                    }
                }
            }
            default -> scalar(node, indent);
        }
    }

    private void value(JsonNode value, int indent) {
        if (value.isContainerNode() && !value.isEmpty()) {
            int deeper = value.isArray() ? indent : indent + 2;
            newLine(deeper);
            block(value, deeper);
        } else {
            out.append(' ');
            scalar(value, indent);
        }
    }

    private void scalar(JsonNode node, int indent) {
        if (node.isTextual()) {
            text(node.asText(), indent);
        } else if (node.isContainerNode()) {
            out.append(node.isArray() ? "[]" : "{}");
        } else {
            out.append("<span class=\"n\">").append(escape(node.asText())).append("</span>");
        }
    }

    private void text(String text, int indent) {
        out.append("<span class=\"s\">");
        boolean lines = text.indexOf('\n') >= 0
                && text.chars().allMatch(c -> c == '\n' || c == '\t' || c >= 0x20 && c != 0x7f)
                && !text.startsWith(" ")
                && !text.startsWith("\n");
        if (lines) {
            boolean ended = text.endsWith("\n");
            out.append(ended ? (text.endsWith("\n\n") ? "|+" : "|") : "|-");
            String body = ended ? text.substring(0, text.length() - 1) : text;
            for (String line : body.split("\n", -1)) {
                out.append('\n');
                if (!line.isEmpty()) {
                    out.append(" ".repeat(indent + 2)).append(escape(line));
                }
            }
        } else {
            out.append(escape(plain(text) ? text : quoted(text)));
        }
        out.append("</span>");
    }

    private static String key(String key) {
        return plain(key) ? key : quoted(key);
    }

    private static boolean plain(String text) {
        return PLAIN.matcher(text).matches()
                && !RESERVED.matcher(text).matches()
                && !NUMERIC.matcher(text).matches();
    }

    private static String quoted(String text) {
        StringBuilder quoted = new StringBuilder("\"");
        text.chars().forEach(c -> {
            switch (c) {
                case '"' -> quoted.append("\\\"");
                case '\\' -> quoted.append("\\\\");
                case '\n' -> quoted.append("\\n");
                case '\t' -> quoted.append("\\t");
                default -> {
                    if (c < 0x20 || c == 0x7f) {
                        quoted.append("\\u%04x".formatted(c));
                    } else {
                        quoted.append((char) c);
                    }
                }
            }
        });
        return quoted.append('"').toString();
    }

    private void newLine(int indent) {
        out.append('\n').append(" ".repeat(indent));
    }

    private static String escape(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
