package dev.coppice.health.page;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.health.series.Sample;
import dev.coppice.health.series.SeriesStore;
import java.util.List;

/** The data of a latency chart, in the form that the console's chart script reads. */
final class ChartData {
    private static final long HOUR_MILLIS = 3_600_000;
    private static final int MOST_POINTS = 1500;

    private ChartData() {}

    /** Over {@code 1h} or {@code 24h} single results, over {@code 7d} or {@code 30d} hourly quantiles. */
    static ObjectNode of(SeriesStore series, int check, String window, long nowMillis) {
        ObjectNode chart = JsonNodeFactory.instance.objectNode();
        chart.put("unit", "ms");
        ArrayNode times = chart.putArray("times");
        ArrayNode lines = chart.putArray("series");
        if (window.equals("7d") || window.equals("30d")) {
            ArrayNode median = line(lines, "median");
            ArrayNode high = line(lines, "95 of 100");
            for (SeriesStore.Period period : series.hourly(check, window.equals("7d") ? 168 : 720)) {
                times.add(period.startMillis() / 1000);
                add(
                        median,
                        period.latency().count() == 0 ? -1 : period.latency().quantileMicros(0.5));
                add(high, period.latency().count() == 0 ? -1 : period.latency().quantileMicros(0.95));
            }
            return chart;
        }
        long span = window.equals("24h") ? 24 * HOUR_MILLIS : HOUR_MILLIS;
        List<Sample> samples = series.samples(check, nowMillis - span, nowMillis);
        ArrayNode latency = line(lines, "latency");
        int step = Math.max(1, samples.size() / MOST_POINTS);
        for (int i = 0; i < samples.size(); i += step) {
            Sample worst = samples.get(i);
            for (int j = i + 1; j < Math.min(samples.size(), i + step); j++) {
                worst = samples.get(j).latencyMicros() > worst.latencyMicros() ? samples.get(j) : worst;
            }
            times.add(worst.timeMillis() / 1000.0);
            add(latency, worst.latencyMicros());
        }
        return chart;
    }

    private static ArrayNode line(ArrayNode lines, String label) {
        ObjectNode line = lines.addObject();
        line.put("label", label);
        return line.putArray("values");
    }

    private static void add(ArrayNode values, double micros) {
        if (micros < 0) {
            values.addNull();
        } else {
            values.add(Math.round(micros / 10.0) / 100.0);
        }
    }
}
