package dev.coppice.gateway.proxy;

import dev.coppice.gateway.filter.FilterAnswer;
import dev.coppice.gateway.filter.FilterRequest;
import dev.coppice.gateway.filter.HeaderChanges;
import dev.coppice.gateway.filter.RequestOutcome;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs the HTTPRouteFilters of a request one after the other, and those of extensions that want to see its answer. It may have to wait for these; what comes of
 * the answer meanwhile is held, and no more of it is read. Used on the exchange's event loop only.
 */
final class Filtering {
    /** A filter that wants to see the answer, and what it has seen of the request. */
    private record Asking(FilterRunner runner, FilterRequest request) {}

    private final Exchange exchange;
    private final EventLoopState state;
    private final RequestBody body;
    private final FilteredRequest request;
    private final List<Asking> asking = new ArrayList<>(0);
    private FilterRunner.@Nullable Call call;
    private boolean holding;
    private boolean heldAll;
    private final Deque<HttpContent> held = new ArrayDeque<>(0);

    Filtering(Exchange exchange, EventLoopState state, RequestBody body, FilteredRequest request) {
        this.exchange = exchange;
        this.state = state;
        this.body = body;
        this.request = request;
    }

    FilteredRequest request() {
        return request;
    }

    // ---- the request

    /** Runs filters; the exchange is told of what ends its request there, or else it goes on, now or later. */
    void run(@Nullable RouteFilter[] filters, Runnable then) {
        run(filters, 0, then);
    }

    private void run(@Nullable RouteFilter[] filters, int from, Runnable then) {
        for (int i = from; i < filters.length; i++) {
            RouteFilter each = filters[i];
            FilteredRequest.Step step = each == null ? FilteredRequest.MISSING : request.run(each);
            switch (step) {
                case FilteredRequest.Step.On _ -> {}
                case FilteredRequest.Step.Refused refused -> {
                    exchange.filterRefuses(refused.code(), refused.reason(), refused.text());
                    return;
                }
                case FilteredRequest.Step.Direct direct -> {
                    exchange.filterAnswers("direct", direct.answer());
                    return;
                }
                case FilteredRequest.Step.Files files -> {
                    exchange.filterAnswers(files.files());
                    return;
                }
                case FilteredRequest.Step.Extension extension -> {
                    int next = i + 1;
                    ask(extension.runner(), () -> run(filters, next, then));
                    return;
                }
            }
        }
        then.run();
    }

    private void ask(FilterRunner runner, Runnable on) {
        int wanted = runner.bodyBytes;
        if (wanted == 0 || body.bodiless()) {
            ask(runner, new byte[0], body.bodiless(), on);
            return;
        }
        // One byte more tells that there are more.
        body.await(
                request.request,
                request.client,
                wanted + 1,
                () -> ask(runner, body.beginning(wanted), !body.longerThan(wanted), on));
    }

    private void ask(FilterRunner runner, byte[] seen, boolean whole, Runnable on) {
        FilterRequest shown = request.shown(seen, whole);
        await(runner.call(
                state,
                () -> runner.filter.request(shown),
                outcome -> became(runner, shown, outcome, on),
                failure -> failed(runner, failure, on)));
    }

    /** Remembers a call, unless it is over already, and perhaps another one has begun. */
    private void await(FilterRunner.Call begun) {
        if (!begun.over()) {
            call = begun;
        }
    }

    private void became(FilterRunner runner, FilterRequest shown, @Nullable RequestOutcome outcome, Runnable on) {
        if (outcome instanceof RequestOutcome.Passed passed && request.change(passed)) {
            runner.count("passed");
            if (runner.seesAnswers) {
                asking.add(new Asking(runner, shown));
            }
            on.run();
            return;
        }
        DefaultFullHttpResponse answer =
                outcome instanceof RequestOutcome.Answered answered ? request.answer(answered) : null;
        if (answer != null) {
            runner.count("answered");
            exchange.filterAnswers("extension", answer);
            return;
        }
        runner.count(FilterRunner.Failure.FAILED.result);
        failed(runner, FilterRunner.Failure.FAILED, on);
    }

    private void failed(FilterRunner runner, FilterRunner.Failure failure, Runnable on) {
        if (runner.failsOpen()) {
            state.plane.metrics.filterFailures.labelValues(failure.reason).inc();
            on.run();
            return;
        }
        exchange.filterRefuses(
                failure == FilterRunner.Failure.FAILED
                        ? HttpResponseStatus.INTERNAL_SERVER_ERROR
                        : HttpResponseStatus.SERVICE_UNAVAILABLE,
                failure.reason,
                switch (failure) {
                    case FAILED -> "a filter for this request has failed";
                    case TIMEOUT -> "a filter for this request takes too long";
                    case BUSY -> "a filter for this request has too much to do";
                });
    }

    // ---- the answer

    /** Whether a filter wants to see the answer before the client does. */
    boolean asks() {
        return !asking.isEmpty();
    }

    /** Whether the answer may be for this request only, so that it is not kept for others. */
    boolean unkept() {
        return asks() || request.rehosted();
    }

    /** Whether an answer waits for a filter. */
    boolean holding() {
        return holding;
    }

    /** Asks about an answer, and then gives it to the exchange. */
    void answer(HttpResponse head) {
        holding = true;
        HopByHop.strip(head.headers());
        ask(head, asking.size() - 1);
    }

    private void ask(HttpResponse head, int index) {
        if (index < 0) {
            goOn(head);
            return;
        }
        Asking each = asking.get(index);
        FilterAnswer shown = new FilterAnswer(head.status().code(), FilteredRequest.shown(head.headers()));
        Runnable on = () -> ask(head, index - 1);
        await(each.runner.call(
                state,
                () -> each.runner.filter.answer(each.request, shown),
                changes -> became(each.runner, head, changes, on),
                failure -> failed(each.runner, failure, on)));
    }

    private void became(FilterRunner runner, HttpResponse head, @Nullable HeaderChanges changes, Runnable on) {
        if (changes != null && FilteredRequest.change(head.headers(), changes)) {
            runner.count("answer_passed");
            on.run();
        } else {
            runner.count(FilterRunner.Failure.FAILED.result);
            failed(runner, FilterRunner.Failure.FAILED, on);
        }
    }

    private void goOn(HttpResponse head) {
        holding = false;
        exchange.told(head);
        for (HttpContent part = held.poll(); part != null; part = held.poll()) {
            exchange.content(part);
        }
        if (heldAll) {
            exchange.responded();
        } else {
            exchange.goOn();
        }
    }

    /** Holds a part of the answer's body, if its head is. */
    boolean holds(HttpContent part) {
        if (holding) {
            held.add(part);
        }
        return holding;
    }

    /** Holds the end of the answer, if its head is held. */
    boolean holdsEnd() {
        heldAll |= holding;
        return holding;
    }

    // ---- the end

    void checkDeadline(long now) {
        if (call != null) {
            call.checkDeadline(now);
        }
    }

    /** The exchange is over. */
    void end() {
        holding = false;
        if (call != null) {
            call.cancel();
        }
        held.forEach(HttpContent::release);
        held.clear();
    }
}
