package dev.coppice.schema;

import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import java.util.ArrayDeque;
import java.util.Deque;

/** Compiles regular expressions (RE2) of bounded size: counted repeats multiply, and a short text could fill the heap. */
final class Patterns {
    /** Characters and operators after all repeats are written out. */
    static final int LARGEST = 100_000;

    private final String text;
    private final Deque<Long> outer = new ArrayDeque<>();
    private long size;
    private long last;
    private int at;

    private Patterns(String text) {
        this.text = text;
    }

    /**
     * Compiles.
     *
     * @throws PatternSyntaxException where it is malformed or too big
     */
    static Pattern compile(String text) {
        if (new Patterns(text).written() > LARGEST) {
            throw new PatternSyntaxException(
                    "expression is too large", text.length() > 200 ? text.substring(0, 200) : text);
        }
        return Pattern.compile(text);
    }

    /** An upper estimate of the size; malformed expressions are left to the compiler. */
    private long written() {
        while (at < text.length() && size + last <= LARGEST) {
            char c = text.charAt(at++);
            switch (c) {
                case '\\' -> {
                    at++;
                    atom(1);
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
