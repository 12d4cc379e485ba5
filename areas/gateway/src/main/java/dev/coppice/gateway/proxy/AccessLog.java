package dev.coppice.gateway.proxy;

import dev.coppice.expression.EvaluationException;
import dev.coppice.expression.InvalidExpressionException;
import dev.coppice.gateway.config.ObservationConfig.Log;
import dev.coppice.gateway.config.ObservationConfig.Share;
import dev.coppice.gateway.expression.RequestExpression;
import dev.coppice.gateway.log.LogClock;
import dev.coppice.gateway.log.LogFormat;
import dev.coppice.gateway.log.LogWriter;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A line for each answered request and each stream that is over, or for some. Event loops never wait for it: each collects lines and hands them over, and what is not
 * written in time is dropped and counted. Safe for use by many threads.
 */
final class AccessLog {
    private static final int CHUNK = 32 << 10;
    private static final int SERVER_ERROR = 500;

    private final LogFormat format;
    private final Share share;
    private final boolean errors;
    private final long slowNanos;
    private final @Nullable RequestExpression when;
    private final LogWriter writer;
    private final LogWriter.Sink sink;
    private final ProxyMetrics metrics;

    /** Of a policy. */
    AccessLog(Log config, LogWriter writer, LogWriter.Sink sink, ProxyMetrics metrics) {
        try {
            this.format = switch (config.format()) {
                case JSON -> config.fields().isEmpty() ? LogFormat.JSON : LogFormat.json(config.fields());
                case COMMON -> LogFormat.COMMON;
                case COMBINED -> LogFormat.COMBINED;
                case TEMPLATE -> LogFormat.template(config.template());
            };
            this.when = config.when().isEmpty() ? null : RequestExpression.outcome(config.when());
        } catch (LogFormat.InvalidTemplateException | InvalidExpressionException e) {
            // The control half compiles it before.
            throw new IllegalArgumentException(config.name() + ": " + e.getMessage(), e);
        }
        this.share = config.share();
        this.errors = config.errors();
        this.slowNanos = config.slowNanos();
        this.writer = writer;
        this.sink = sink;
        this.metrics = metrics;
    }

    /** Of all requests, in JSON. */
    AccessLog(LogWriter writer, LogWriter.Sink sink, ProxyMetrics metrics) {
        this.format = LogFormat.JSON;
        this.when = null;
        this.share = Share.ALL;
        this.errors = false;
        this.slowNanos = 0;
        this.writer = writer;
        this.sink = sink;
        this.metrics = metrics;
    }

    private boolean wants(Reported request, SplittableRandom random) {
        if (when != null && !holds(when, request)) {
            return false;
        }
        return share.numerator() >= share.denominator()
                || errors && request.status() >= SERVER_ERROR
                || slowNanos > 0 && request.nanos() >= slowNanos
                || random.nextInt(share.denominator()) < share.numerator();
    }

    /** Rather a line too many than one that is missed. */
    private boolean holds(RequestExpression condition, Reported request) {
        try {
            return condition.test(request.variables());
        } catch (EvaluationException e) {
            metrics.accessConditionsFailed.inc();
            return true;
        }
    }

    Lines lines(LogClock clock) {
        return new Lines(clock);
    }

    /** The lines of one event loop, not yet handed over. For that loop only. */
    final class Lines {
        private final LogClock clock;
        private final StringBuilder text = new StringBuilder(CHUNK + 4096);
        private int lines;

        private Lines(LogClock clock) {
            this.clock = clock;
        }

        boolean of(AccessLog log) {
            return log == AccessLog.this;
        }

        void add(Reported request, SplittableRandom random) {
            if (wants(request, random)) {
                format.add(text, request, clock);
                text.append('\n');
                lines++;
                if (text.length() >= CHUNK) {
                    flush();
                }
            }
        }

        /** Hands over what there is. */
        void flush() {
            if (lines == 0) {
                return;
            }
            metrics.accessLines.inc(lines);
            writer.add(sink, text.toString().getBytes(StandardCharsets.UTF_8), lines);
            text.setLength(0);
            lines = 0;
        }
    }
}
