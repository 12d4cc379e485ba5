package dev.coppice.gateway.proxy;

import dev.coppice.gateway.route.Candidate;
import dev.coppice.gateway.route.RoutingTable;
import dev.coppice.gateway.transcode.TranscodedRequest;
import io.netty.handler.codec.http.HttpRequest;
import org.jspecify.annotations.Nullable;

/** Which call of gRPC a request is, when it comes by a rule for calls. */
sealed interface CallReading {

    /**
     * The request is a call.
     *
     * @param form in which it comes; null: as gRPC, or its rule takes it as it is
     * @param target what is called
     * @param rule whose call it is; null: the rule's by which it came
     */
    record Call(
            @Nullable CallTranslation form,
            RequestTarget target,
            @Nullable Candidate<RuleAction> rule) implements CallReading {}

    /**
     * The request is no call.
     *
     * @param form in which it was tried, and is answered; null: as HTTP
     * @param malformed whether it can be no call of the method that it names; else there is no such method
     * @param text for the client
     */
    record Refusal(@Nullable CallTranslation form, boolean malformed, String text) implements CallReading {}

    /**
     * Reads a request's head, which becomes the call's. A call without a body of its own is written into it.
     *
     * @param rule by which it came
     */
    static CallReading read(
            RuleAction rule,
            HttpRequest request,
            RequestTarget asked,
            RoutingTable<RuleAction> table,
            RequestBody body) {
        if (GrpcStatus.isGrpc(request.headers())) {
            return new Call(null, asked, null);
        }
        GrpcWebCall web = GrpcWebCall.of(request);
        return web != null || rule.transcoding == null
                ? new Call(web, asked, null)
                : transcoded(rule, rule.transcoding, request, asked, table, body);
    }

    private static CallReading transcoded(
            RuleAction rule,
            Transcoders.Made made,
            HttpRequest request,
            RequestTarget asked,
            RoutingTable<RuleAction> table,
            RequestBody body) {
        String query = asked.query().isEmpty() ? "" : asked.query().substring(1);
        TranscodedRequest found = made.find(request.method().name(), asked.path(), query);
        if (found == null) {
            return new Refusal(null, false, "no method is called by this path");
        }
        TranscodedCall form = TranscodedCall.of(found, request, made.config().mostBytes());
        RequestTarget target = new RequestTarget(asked.authority(), found.path(), "");
        Candidate<RuleAction> called = ruleOf(rule, request, target, table);
        if (called == null) {
            return new Refusal(form, false, "no rule of this route is for the method " + found.path());
        }
        if (body.bodiless()) {
            try {
                body.make(form.request());
            } catch (CallTranslation.MalformedException e) {
                return new Refusal(form, true, String.valueOf(e.getMessage()));
            }
        }
        return new Call(form, target, called);
    }

    /** The rule that a call of gRPC with this path would have, so that there is no way around it; null: its route has none. */
    private static @Nullable Candidate<RuleAction> ruleOf(
            RuleAction rule, HttpRequest request, RequestTarget target, RoutingTable<RuleAction> table) {
        RoutingTable.Found<RuleAction> found =
                table.find(target.authority().host(), new RoutedRequest(request, target));
        Candidate<RuleAction> again = found == null ? null : found.candidate();
        return again == null || !again.action().routeKey.equals(rule.routeKey) ? null : again;
    }
}
