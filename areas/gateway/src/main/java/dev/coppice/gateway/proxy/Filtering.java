package dev.coppice.gateway.proxy;

import dev.coppice.gateway.filter.FilterAnswer;
import dev.coppice.gateway.filter.FilterRequest;
import dev.coppice.gateway.filter.HeaderChanges;
import dev.coppice.gateway.filter.RequestOutcome;
import dev.coppice.gateway.function.AnswerOutcome;
import dev.coppice.gateway.function.FunctionOutcome;
import dev.coppice.gateway.function.FunctionRequest;
import dev.coppice.gateway.function.FunctionVisit;
import dev.coppice.gateway.function.SeenAnswer;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Runs the HTTPRouteFilters of a request one after the other, and those of extensions and functions that want to see its answer. It may have to wait for these; what
 * comes of the answer meanwhile is held, and no more of it is read than they want to see. Used on the exchange's event loop only.
 */
final class Filtering {
    private static final byte[] NOTHING = {};

    /** A filter that wants to see the answer. */
    private sealed interface Asking {}

    /** One of an extension, and what it has seen of the request. */
    private record AskingFilter(FilterRunner runner, FilterRequest request) implements Asking {}

    /** A function, and its request. */
    private record AskingFunction(FunctionFilter filter, FunctionVisit visit) implements Asking {}

    private final Exchange exchange;
    private final EventLoopState state;
    private final RequestBody body;
    private final FilteredRequest request;
    private final List<Asking> asking = new ArrayList<>(0);
    private CallRunner.@Nullable Call call;
    /** Bytes of the request's body for which there is room, until the filter that wants to see them has. */
    private long heldBody;
    /** What becomes of the request if what a filter wants to see of the body is not there by then; null: no filter waits. */
    private @Nullable Runnable bodyLate;

    private long bodyDeadline;
    /** The request's body is a function's. */
    private boolean rebodied;
    /** The head of the answer waits for a filter. */
    private boolean holding;

    private boolean heldAll;
    private long heldBytes;
    private final Deque<HttpContent> held = new ArrayDeque<>(0);
    /** What waits for so many bytes of the answer's body, or all of it; null: nothing does. */
    private @Nullable Runnable whenHeld;

    private int wanted;

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
            int next = i + 1;
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
                    ask(extension.runner(), () -> run(filters, next, then));
                    return;
                }
                case FilteredRequest.Step.Function function -> {
                    ask(function.filter(), () -> run(filters, next, then));
                    return;
                }
            }
        }
        then.run();
    }

    /** Waits for so much of the body, or all of it, but not for ever, and not beside too many others. */
    private void awaitBody(CallRunner calls, int most, Runnable then, Runnable on) {
        // One byte more tells that there are more.
        long length = HttpUtil.getContentLength(request.request, Long.MAX_VALUE);
        long bytes = Math.min(length, most + 1L);
        giveBody();
        if (!state.plane.heldBodies.take(bytes)) {
            calls.count(CallRunner.Failure.BUSY.result);
            failed(calls, CallRunner.Failure.BUSY, on);
            return;
        }
        heldBody = bytes;
        bodyDeadline = state.now() + state.plane.options.stalled().toNanos();
        bodyLate = () -> {
            body.awaitNothing();
            calls.count(CallRunner.Failure.BODY_TIMEOUT.result);
            failed(calls, CallRunner.Failure.BODY_TIMEOUT, on);
        };
        body.await(request.request, request.client, most + 1, () -> {
            bodyLate = null;
            then.run();
        });
    }

    private void giveBody() {
        state.plane.heldBodies.give(heldBody);
        heldBody = 0;
    }

    private void ask(FilterRunner runner, Runnable on) {
        int most = runner.bodyBytes;
        if (most == 0 || body.bodiless()) {
            ask(runner, NOTHING, body.bodiless(), on);
        } else {
            awaitBody(runner.calls, most, () -> ask(runner, body.beginning(most), !body.longerThan(most), on), on);
        }
    }

    private void ask(FilterRunner runner, byte[] seen, boolean whole, Runnable on) {
        FilterRequest shown = request.shown(seen, whole);
        await(runner.calls.call(
                state,
                () -> runner.filter.request(shown),
                outcome -> became(runner, shown, outcome, on),
                _ -> {},
                failure -> failed(runner.calls, failure, on)));
    }

    /** Remembers a call, unless it is over already, and perhaps another one has begun. */
    private void await(CallRunner.Call begun) {
        if (!begun.over()) {
            call = begun;
        }
    }

    private void became(FilterRunner runner, FilterRequest shown, @Nullable RequestOutcome outcome, Runnable on) {
        giveBody();
        if (outcome instanceof RequestOutcome.Passed passed && request.change(passed)) {
            runner.calls.count("passed");
            if (runner.seesAnswers) {
                asking.add(new AskingFilter(runner, shown));
            }
            on.run();
        } else if (!(outcome instanceof RequestOutcome.Answered answered)
                || !answers(runner.calls, "extension", answered)) {
            impossible(runner.calls, on);
        }
    }

    /** Whether the answer of a filter can be one; then it is. */
    private boolean answers(CallRunner calls, String kind, RequestOutcome.Answered answered) {
        DefaultFullHttpResponse answer = request.answer(answered);
        if (answer != null) {
            calls.count("answered");
            exchange.filterAnswers(kind, answer);
        }
        return answer != null;
    }

    /** A filter says what cannot be done. */
    private void impossible(CallRunner calls, Runnable on) {
        calls.count(CallRunner.Failure.FAILED.result);
        failed(calls, CallRunner.Failure.FAILED, on);
    }

    private void failed(CallRunner calls, CallRunner.Failure failure, Runnable on) {
        giveBody();
        String reason = calls.reason(failure);
        if (calls.failsOpen()) {
            state.plane.metrics.filterFailures.labelValues(reason).inc();
            on.run();
            return;
        }
        exchange.filterRefuses(
                switch (failure) {
                    case FAILED -> HttpResponseStatus.INTERNAL_SERVER_ERROR;
                    case TIMEOUT, BUSY, ENDLESS -> HttpResponseStatus.SERVICE_UNAVAILABLE;
                    case BODY_TIMEOUT -> HttpResponseStatus.REQUEST_TIMEOUT;
                    case BODY_TOO_LONG ->
                        holding
                                ? HttpResponseStatus.INTERNAL_SERVER_ERROR
                                : HttpResponseStatus.REQUEST_ENTITY_TOO_LARGE;
                },
                reason,
                switch (failure) {
                    case FAILED -> "a filter for this request has failed";
                    case TIMEOUT -> "a filter for this request takes too long";
                    case BUSY -> "a filter for this request has too much to do";
                    case BODY_TOO_LONG -> "a body is longer than a filter for this request may see";
                    case BODY_TIMEOUT -> "the body that a filter for this request wants to see did not come in time";
                    case ENDLESS -> "calls of a filter for this request do not end";
                });
    }

    // ---- functions and the request

    private void ask(FunctionFilter filter, Runnable on) {
        if (body.bodiless()) {
            ask(filter, NOTHING, true, true, on);
        } else if (filter.function.buffersRequests()) {
            askWithBody(filter, on);
        } else {
            ask(filter, NOTHING, false, false, on);
        }
    }

    private void askWithBody(FunctionFilter filter, Runnable on) {
        int most = filter.maxBodyBytes;
        awaitBody(filter.calls, most, () -> ask(filter, body.beginning(most), !body.longerThan(most), true, on), on);
    }

    private void ask(FunctionFilter filter, byte[] seen, boolean whole, boolean there, Runnable on) {
        FunctionRequest shown = new FunctionRequest(
                request.shown(seen, whole),
                request.client instanceof Http2ClientStream
                        ? "HTTP/2.0"
                        : exchange.answer().protocol(),
                request.client.connection().endpoint(),
                there);
        await(filter.calls.call(
                state,
                filter.measured(() -> filter.request(shown)),
                outcome -> became(filter, outcome, on),
                Filtering::unwanted,
                failure -> failed(filter.calls, failure, on)));
    }

    private static void unwanted(FunctionOutcome outcome) {
        if (outcome instanceof FunctionOutcome.Passed passed && passed.visit() != null) {
            passed.visit().discard();
        }
    }

    private void became(FunctionFilter filter, FunctionOutcome outcome, Runnable on) {
        giveBody();
        switch (outcome) {
            case FunctionOutcome.BodyNeeded _ -> askWithBody(filter, on);
            case FunctionOutcome.Answered(RequestOutcome.Answered answered) -> {
                if (!answers(filter.calls, "function", answered)) {
                    impossible(filter.calls, on);
                }
            }
            case FunctionOutcome.Passed(RequestOutcome.Passed changes, byte[] replaced, FunctionVisit visit) -> {
                if (!request.change(changes)) {
                    unwanted(outcome);
                    impossible(filter.calls, on);
                    return;
                }
                filter.calls.count("passed");
                if (visit != null) {
                    asking.add(new AskingFunction(filter, visit));
                }
                if (replaced != null) {
                    replace(replaced);
                }
                on.run();
            }
        }
    }

    private void replace(byte[] replaced) {
        rebodied = true;
        body.replace(replaced);
        HttpHeaders headers = request.request.headers();
        headers.remove(HttpHeaderNames.TRANSFER_ENCODING);
        headers.set(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(replaced.length));
    }

    // ---- the answer

    /** Whether a filter wants to see the answer before the client does. */
    boolean asks() {
        return !asking.isEmpty();
    }

    /** Whether the answer may be for this request only, so that it is not kept for others. */
    boolean unkept() {
        return asks() || rebodied || request.rehosted();
    }

    /** Whether an answer waits for a filter. */
    boolean holding() {
        return holding;
    }

    /** Whether nothing more is to be read of the answer. */
    boolean full() {
        return holding && whenHeld == null;
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
        Runnable on = () -> ask(head, index - 1);
        switch (asking.get(index)) {
            case AskingFilter(FilterRunner runner, FilterRequest seen) ->
                await(runner.calls.call(
                        state,
                        () -> runner.filter.answer(seen, shown(head)),
                        changes -> became(runner, head, changes, on),
                        _ -> {},
                        failure -> failed(runner.calls, failure, on)));
            case AskingFunction(FunctionFilter filter, FunctionVisit visit) -> ask(filter, visit, head, on);
        }
    }

    private static FilterAnswer shown(HttpResponse head) {
        return new FilterAnswer(head.status().code(), FilteredRequest.shown(head.headers()));
    }

    private void became(FilterRunner runner, HttpResponse head, @Nullable HeaderChanges changes, Runnable on) {
        if (changes != null && FilteredRequest.change(head.headers(), changes)) {
            runner.calls.count("answer_passed");
            on.run();
        } else {
            impossible(runner.calls, on);
        }
    }

    // ---- functions and the answer

    private void ask(FunctionFilter filter, FunctionVisit visit, HttpResponse head, Runnable on) {
        if (!FilteredRequest.change(head.headers(), visit.answerHeaders())) {
            visit.discard();
            impossible(filter.calls, on);
        } else if (!visit.changesAnswer()) {
            filter.tell(state.plane, visit, shown(head));
            on.run();
        } else if (visit.open()) {
            hold(visit.seesBody() ? filter.maxBodyBytes : -1, () -> askWithBody(filter, visit, head, on));
        } else {
            on.run();
        }
    }

    /** Waits for so many bytes of the answer's body and one more, or for all of it. */
    private void hold(int most, Runnable then) {
        if (heldAll || heldBytes > most) {
            then.run();
            return;
        }
        wanted = most;
        whenHeld = then;
        exchange.readOn();
    }

    private void checkHeld() {
        Runnable then = whenHeld;
        if (then != null && (heldAll || heldBytes > wanted)) {
            whenHeld = null;
            then.run();
        }
    }

    private void askWithBody(FunctionFilter filter, FunctionVisit visit, HttpResponse head, Runnable on) {
        boolean sees = visit.seesBody();
        byte[] seen = sees ? beginning(filter.maxBodyBytes) : NOTHING;
        SeenAnswer shown = new SeenAnswer(shown(head), seen, sees && heldAll && heldBytes <= filter.maxBodyBytes);
        await(filter.calls.call(
                state,
                filter.measured(() -> visit.answer(shown)),
                outcome -> became(filter, head, outcome, on),
                _ -> {},
                failure -> {
                    visit.discard();
                    failed(filter.calls, failure, on);
                }));
    }

    private byte[] beginning(int most) {
        byte[] bytes = new byte[(int) Math.min(most, heldBytes)];
        int at = 0;
        for (HttpContent each : held) {
            int size = Math.min(each.content().readableBytes(), bytes.length - at);
            each.content().getBytes(each.content().readerIndex(), bytes, at, size);
            at += size;
        }
        return bytes;
    }

    private void became(FunctionFilter filter, HttpResponse head, AnswerOutcome outcome, Runnable on) {
        if (!FilteredRequest.change(head.headers(), outcome.headers())) {
            impossible(filter.calls, on);
            return;
        }
        filter.calls.count("answer_passed");
        if (outcome.status() != head.status().code()) {
            head.setStatus(HttpResponseStatus.valueOf(outcome.status()));
        }
        byte[] replaced = outcome.body();
        // An answer without a body cannot get one: its length would be taken for that of what is not sent.
        if (replaced != null && !request.request.method().equals(HttpMethod.HEAD) && !held.isEmpty()) {
            replaceAnswer(head, replaced);
        }
        on.run();
    }

    private void replaceAnswer(HttpResponse head, byte[] replaced) {
        HttpHeaders trailers = held.peekLast() instanceof LastHttpContent last
                ? last.trailingHeaders().copy()
                : EmptyHttpHeaders.INSTANCE;
        release();
        held.add(new DefaultLastHttpContent(Unpooled.wrappedBuffer(replaced), trailers));
        heldBytes = replaced.length;
        head.headers().remove(HttpHeaderNames.TRANSFER_ENCODING);
        head.headers().set(HttpHeaderNames.CONTENT_LENGTH, Integer.toString(replaced.length));
    }

    private void goOn(HttpResponse head) {
        holding = false;
        asking.clear();
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
        if (!holding) {
            return false;
        }
        held.add(part);
        heldBytes += part.content().readableBytes();
        checkHeld();
        return true;
    }

    /** Holds the end of the answer, if its head is held. */
    boolean holdsEnd() {
        if (!holding) {
            return false;
        }
        heldAll = true;
        checkHeld();
        return true;
    }

    // ---- the end

    void checkDeadline(long now) {
        Runnable late = bodyLate;
        if (late != null && now - bodyDeadline > 0) {
            bodyLate = null;
            late.run();
        } else if (call != null) {
            call.checkDeadline(now);
        }
    }

    /** The connection speaks no HTTP any more. */
    void switched(HttpResponse head) {
        tell(shown(head));
    }

    private void tell(@Nullable FilterAnswer head) {
        for (Asking each : asking) {
            if (each instanceof AskingFunction(FunctionFilter filter, FunctionVisit visit)) {
                filter.tell(state.plane, visit, head);
            }
        }
        asking.clear();
    }

    /** The exchange is over. */
    void end() {
        holding = false;
        whenHeld = null;
        bodyLate = null;
        giveBody();
        if (call != null) {
            call.cancel();
        }
        tell(null);
        release();
    }

    private void release() {
        held.forEach(HttpContent::release);
        held.clear();
    }
}
