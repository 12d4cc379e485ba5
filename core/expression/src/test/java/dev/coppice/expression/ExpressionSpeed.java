package dev.coppice.expression;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;

/** Measures compiling and evaluating; run by hand. Prints milliseconds of the first and later compiles, ns per evaluation. */
final class ExpressionSpeed {
    private ExpressionSpeed() {}

    public static void main(String[] arguments) throws Exception {
        long start = System.nanoTime();
        Environment environment = Environment.assertion("response.status", "response.body", "json", "self");
        System.out.printf("environment %.3f ms%n", millis(start));
        start = System.nanoTime();
        Expression first = Expression.compile("response.status == 200 && json.ok", environment);
        System.out.printf("first compile %.1f ms%n", millis(start));
        start = System.nanoTime();
        first.test(Map.of("response.status", 200, "json", new ObjectMapper().readTree("{\"ok\":true}")));
        System.out.printf("first evaluation %.1f ms%n", millis(start));
        for (int i = 0; i < 2000; i++) {
            start = System.nanoTime();
            Expression.compile("response.status == " + i + " && json.ok", environment);
        }
        System.out.printf("warm compile %.3f ms%n", millis(start));
        start = System.nanoTime();
        Expression.compile("self.x == 1", Environment.assertion("self"));
        System.out.printf("warm compile in a new environment %.3f ms%n", millis(start));
        StringBuilder items = new StringBuilder("{\"ok\":true,\"items\":[");
        for (int i = 0; i < 1000; i++) {
            items.append(i == 0 ? "" : ",")
                    .append("{\"name\":\"n")
                    .append(i)
                    .append("\",\"n\":")
                    .append(i)
                    .append("}");
        }
        JsonNode tree = new ObjectMapper().readTree(items.append("]}").toString());
        for (String source : List.of(
                "true",
                "response.status == 200 && json.ok",
                "json.items[999].name == 'n999'",
                "json.items.all(i, i.n >= 0)",
                "response.body.matches('^o.*k$')")) {
            measure(source, Expression.compile(source, environment), tree);
        }
    }

    private static void measure(String source, Expression expression, JsonNode tree) throws Exception {
        Variables variables = Variables.of(Map.of("response.status", 200, "json", tree, "response.body", "o  k"));
        int rounds = source.contains("all") ? 3_000 : 500_000;
        long start = 0;
        for (int pass = 0; pass < 3; pass++) {
            start = System.nanoTime();
            for (int i = 0; i < rounds; i++) {
                if (!expression.test(variables, expression.budget())) {
                    throw new IllegalStateException(source);
                }
            }
        }
        System.out.printf("%-40s %,.0f ns%n", source, millis(start) * 1e6 / rounds);
    }

    private static double millis(long start) {
        return (System.nanoTime() - start) / 1e6;
    }
}
