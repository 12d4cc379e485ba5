package dev.coppice.expression;

/**
 * One mistake in an expression's source.
 *
 * @param line from 1; 0 when it concerns the whole
 * @param column from 1; 0 when it concerns the whole
 * @param message what is wrong, as the CEL compiler words it
 * @param advice what to do about it; may be empty
 */
public record Problem(int line, int column, String message, String advice) {
    @Override
    public String toString() {
        String place = line > 0 ? "line " + line + ", column " + column + ": " : "";
        return place + message + (advice.isEmpty() ? "" : " (" + advice + ")");
    }
}
