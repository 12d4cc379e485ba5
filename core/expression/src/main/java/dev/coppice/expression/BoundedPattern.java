package dev.coppice.expression;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Compiles regular expressions (RE2) of bounded size: counted repeats multiply, and the compiler writes them out before
 * anybody can look at the size. A short text could fill the heap.
 */
public final class BoundedPattern {
    private final String text;
    private final int largest;
    private final Deque<Long> outer = new ArrayDeque<>();
    private long size;
    private long last;
    private int at;

    private BoundedPattern(String text, int largest) {
        this.text = text;
        this.largest = largest;
    }

    /**
     * Compiles.
     *
     * @param largest characters and operators after all repeats are written out
     * @throws PatternSyntaxException where it is malformed or too big
     */
    public static Pattern compile(String text, int largest) {
        if (new BoundedPattern(text, largest).written() > largest) {
            throw new PatternSyntaxException(
                    "expression is too large", text.length() > 200 ? text.substring(0, 200) : text);
        }
        return Pattern.compile(text);
    }

    /** An upper estimate of the size; malformed expressions are left to the compiler. */
    private long written() {
        while (at < text.length() && size + last <= largest) {
            char c = text.charAt(at++);
            switch (c) {
                case '\\' -> {
                    if (text.startsWith("Q", at)) {
                        quoted();
                    } else {
                        at++;
                        atom(1);
                    }
                }
                case '[' -> {
                    skipClass();
                    atom(1);
                }
                case '(' -> {
                    outer.push(size + last);
                    size = 0;
                    last = 0;
                }
                case ')' -> {
                    long inner = size + last + 2;
                    size = outer.isEmpty() ? 0 : outer.pop();
                    last = inner;
                }
                case '{' -> last *= repeats();
                default -> atom(1);
            }
        }
        return size + last;
    }

    private void atom(long of) {
        size += last;
        last = of;
    }

    /** Plain characters up to an {@code \\E}, or the end. */
    private void quoted() {
        int end = text.indexOf("\\E", at);
        int length = (end < 0 ? text.length() : end) - at - 1;
        at = end < 0 ? text.length() : end + 2;
        atom(Math.max(0, length - 1));
        atom(1);
    }

    private void skipClass() {
        int start = at;
        while (at < text.length() && (text.charAt(at) != ']' || at == start)) {
            at += text.charAt(at) == '\\' ? 2 : 1;
        }
        at++;
    }

    /** The greater count of {n}, {n,} or {n,m}; 1 where the brace is a plain character. */
    private long repeats() {
        int end = text.indexOf('}', at);
        if (end < 0 || end - at > 12) {
            return 1;
        }
        long greatest = 1;
        for (String part : text.substring(at, end).split(",", -1)) {
            if (!part.isEmpty() && !part.chars().allMatch(Character::isDigit)) {
                return 1;
            }
            greatest = Math.max(greatest, part.isEmpty() ? 1 : Long.parseLong(part));
        }
        at = end + 1;
        return greatest;
    }
}
