package dev.coppice.gateway.function;

import dev.coppice.gateway.config.ReservedHeaders;
import dev.coppice.gateway.filter.FilterAnswer;
import dev.coppice.gateway.filter.HeaderChanges;
import dev.coppice.gateway.filter.Headers;
import dev.coppice.gateway.filter.RequestOutcome;
import dev.coppice.gateway.route.RequestPath;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a guest sees and says while it runs: when it starts, for a request, or for its answer. Not safe for use by many threads. */
final class Turn {
    /** Characters of path and query that may be set; the data plane may take fewer. */
    static final int MOST_URI = 16 << 10;

    private static final byte[] NOTHING = {};
    private static final Headers NO_HEADERS = new Headers(List.of());
    private static final int OK = 200;

    /** What it runs for. */
    private enum Phase {
        START,
        REQUEST,
        ANSWER
    }

    private final Phase phase;
    private final @Nullable FunctionRequest request;
    private final @Nullable HeaderList requestHeaders;
    private final HeaderList answerHeaders;
    private final Body requestBody;
    private final Body answerBody;
    private final int statusBefore;
    /** Whether an endpoint has answered. */
    private final boolean answered;

    private int features;
    private String path;
    private String query;
    private boolean retargeted;
    private int status;
    private boolean statusSet;
    private boolean answerChanged;

    private Turn(
            Phase phase,
            int features,
            @Nullable FunctionRequest request,
            SeenAnswer answer,
            Body requestBody,
            Body answerBody) {
        this.phase = phase;
        this.features = features;
        this.request = request;
        this.requestBody = requestBody;
        this.answerBody = answerBody;
        FilterAnswer head = answer.head();
        this.answered = head != null;
        this.requestHeaders =
                request == null ? null : new HeaderList(request.head().headers(), ReservedHeaders::forAnything);
        this.answerHeaders = new HeaderList(head == null ? NO_HEADERS : head.headers(), ReservedHeaders::forAnswers);
        this.statusBefore = head == null ? OK : head.status();
        this.status = statusBefore;
        this.path = request == null ? "/" : request.head().path();
        this.query = request == null ? "" : request.head().query();
    }

    /** Nothing came yet. */
    static Turn start() {
        Body none = new Body(NOTHING, true, 0);
        return new Turn(Phase.START, 0, null, SeenAnswer.NONE, none, none);
    }

    /**
     * For a request.
     *
     * @param features that were asked for when it started
     * @param mostBody bytes that each body may have
     */
    static Turn request(FunctionRequest request, int features, int mostBody) {
        return new Turn(
                Phase.REQUEST,
                features,
                request,
                SeenAnswer.NONE,
                new Body(request.head().body(), request.head().whole(), mostBody),
                new Body(NOTHING, true, mostBody));
    }

    /**
     * For an answer.
     *
     * @param features of its request's turn
     */
    static Turn answer(FunctionRequest request, SeenAnswer answer, int features, int mostBody) {
        return new Turn(
                Phase.ANSWER,
                features,
                request,
                answer,
                new Body(NOTHING, true, 0),
                new Body(answer.body(), answer.whole(), mostBody));
    }

    // ---- features

    /** Asks for some; all that there are now. */
    int enable(int wanted) {
        if (phase != Phase.ANSWER) {
            features |= Features.supported(wanted);
        }
        return features;
    }

    int features() {
        return features;
    }

    private boolean buffersAnswer() {
        return (features & Features.BUFFER_RESPONSE) != 0;
    }

    // ---- the request

    FunctionRequest request() {
        if (request == null) {
            throw new GuestFault("there is no request while it starts");
        }
        return request;
    }

    private HeaderList requestHeaders() {
        if (requestHeaders == null) {
            throw new GuestFault("there is no request while it starts");
        }
        return requestHeaders;
    }

    private void needRequest(String what) {
        if (phase != Phase.REQUEST) {
            throw new GuestFault(what + " can be changed in handle_request only");
        }
    }

    String uri() {
        FunctionRequest _ = request();
        return path + query;
    }

    /** Changes path and query; an empty one is the root. */
    void uri(String uri) {
        needRequest("the URI");
        int mark = uri.indexOf('?');
        String before = mark < 0 ? uri : uri.substring(0, mark);
        String asked = before.isEmpty() ? "/" : before;
        String normal = asked.startsWith("/") ? RequestPath.normal(asked) : null;
        if (normal == null) {
            throw new GuestFault("\"" + asked + "\" is no path: expected one that begins with a slash, with escapes for"
                    + " what is no ASCII");
        }
        String rest = mark < 0 ? "" : uri.substring(mark);
        if (!rest.chars().allMatch(c -> c > ' ' && c < 0x7F && c != '#')) {
            throw new GuestFault("\"" + rest + "\" is no query: expected escapes for what is no printable ASCII");
        }
        path = normal;
        query = rest;
        retargeted = true;
    }

    // ---- headers, of requests or answers

    List<String> names(boolean ofAnswer) {
        return (ofAnswer ? answerHeaders : requestHeaders()).names();
    }

    List<String> values(boolean ofAnswer, String name) {
        return (ofAnswer ? answerHeaders : requestHeaders()).values(name);
    }

    /** Headers that can be changed now. */
    HeaderList changing(boolean ofAnswer) {
        if (!ofAnswer) {
            needRequest("headers of the request");
            return requestHeaders();
        }
        needAnswer("headers of the answer");
        answerChanged = true;
        return answerHeaders;
    }

    private void needAnswer(String what) {
        if (phase == Phase.START) {
            throw new GuestFault("there is no answer while it starts");
        }
        if (phase == Phase.ANSWER && !answered) {
            throw new GuestFault(what + " cannot be had or changed: no endpoint has answered");
        }
        if (phase == Phase.ANSWER && !buffersAnswer()) {
            throw new GuestFault(
                    what + " cannot be had or changed in handle_response without the feature buffer_response");
        }
    }

    // ---- bodies

    /** A body that can be read now. */
    Body reading(boolean ofAnswer) {
        if (!ofAnswer) {
            needRequest("the body of the request");
            if (!request().bodyThere()) {
                throw new BodyNeededFault();
            }
            return requestBody;
        }
        if (phase != Phase.ANSWER) {
            throw new GuestFault("the body of the answer can be read in handle_response only");
        }
        needAnswer("the body of the answer");
        return answerBody;
    }

    /** A body that can be written now. */
    Body writing(boolean ofAnswer) {
        if (!ofAnswer) {
            return reading(false);
        }
        needAnswer("the body of the answer");
        if (phase == Phase.ANSWER && bodiless(statusBefore)) {
            throw new GuestFault("an answer with status " + statusBefore + " has no body");
        }
        return answerBody;
    }

    // ---- the status

    int status() {
        needAnswer("the status");
        return status;
    }

    void status(int code) {
        needAnswer("the status");
        if (code < OK || code > 599) {
            throw new GuestFault("status " + code + ": expected one from 200 to 599");
        }
        if (phase == Phase.ANSWER && bodiless(code) != bodiless(statusBefore)) {
            throw new GuestFault(
                    "status " + code + " in place of " + statusBefore + ": one of them has a body, and the other none");
        }
        status = code;
        statusSet = true;
    }

    private static boolean bodiless(int code) {
        return code == 204 || code == 205 || code == 304;
    }

    // ---- what came of it

    /** The request goes on. */
    RequestOutcome.Passed passed() {
        if (statusSet || answerBody.written() != null) {
            throw new GuestFault(
                    "it gives a status or body of its own, and yet lets the request go on (next = 1): expected one of both");
        }
        return new RequestOutcome.Passed(
                requestHeaders().changes(), retargeted ? path : null, retargeted ? query : null);
    }

    byte @Nullable [] newRequestBody() {
        return requestBody.written();
    }

    /** What it has said of the answer before there was one. */
    HeaderChanges answerHeaders() {
        return answerHeaders.changes();
    }

    /** It has answered itself. */
    RequestOutcome.Answered own() {
        byte[] body = answerBody.written();
        return new RequestOutcome.Answered(status, answerHeaders.all(), body == null ? NOTHING : body);
    }

    /** What becomes of the answer. */
    AnswerOutcome answer() {
        return new AnswerOutcome(
                status, answerChanged ? answerHeaders.changes() : HeaderChanges.NONE, answerBody.written());
    }
}
