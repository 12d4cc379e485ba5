package dev.coppice.bench.kernel;

import java.util.HashMap;
import java.util.Map;

/**
 * What a side is asked to do, as one line such as {@code call clients=1000 millis=2000}.
 *
 * @param job what to do
 * @param numbers its sizes by name
 */
public record Request(String job, Map<String, Long> numbers) {

    public static Request parse(String line) {
        String[] words = line.strip().split(" +");
        Map<String, Long> numbers = new HashMap<>();
        for (int i = 1; i < words.length; i++) {
            String[] pair = words[i].split("=", 2);
            numbers.put(pair[0], Long.parseLong(pair[1]));
        }
        return new Request(words[0], Map.copyOf(numbers));
    }

    /** A size; throws IllegalArgumentException when the line does not have it. */
    public int size(String name) {
        Long number = numbers.get(name);
        if (number == null) {
            throw new IllegalArgumentException("the job " + job + " needs " + name + "=NUMBER");
        }
        return Math.toIntExact(number);
    }
}
