package dev.coppice.health.page;

/** Draws a badge, as README files show them, in SVG. */
final class Badge {
    private Badge() {}

    /** A badge with a label and a state; both are escaped. */
    static String svg(String label, String value, String level) {
        int left = width(label);
        int right = width(value);
        int width = left + right;
        String color = switch (level) {
            case "ok" -> "#1d7f54";
            case "warn" -> "#b7791f";
            case "bad" -> "#bf3230";
            case "info" -> "#2a66b8";
            default -> "#65736c";
        };
        return """
                <svg xmlns="http://www.w3.org/2000/svg" width="%1$d" height="20" role="img" aria-label="%2$s: %3$s">\
                <title>%2$s: %3$s</title><clipPath id="r"><rect width="%1$d" height="20" rx="3"/></clipPath>\
                <g clip-path="url(#r)"><rect width="%4$d" height="20" fill="#3b4540"/>\
                <rect x="%4$d" width="%5$d" height="20" fill="%6$s"/></g>\
                <g fill="#fff" text-anchor="middle" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">\
                <text x="%7$d" y="14">%2$s</text><text x="%8$d" y="14">%3$s</text></g></svg>
                """.formatted(width, escaped(label), escaped(value), left, right, color, left / 2, left + right / 2);
    }

    private static int width(String text) {
        return 14 + (int) Math.ceil(text.codePointCount(0, text.length()) * 6.6);
    }

    private static String escaped(String text) {
        return text.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace("\"", "&quot;");
    }
}
