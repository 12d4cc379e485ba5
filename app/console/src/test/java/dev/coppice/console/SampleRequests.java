package dev.coppice.console;

import dev.coppice.serving.Identity;
import dev.coppice.serving.RelayedRequest;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/** An API that keeps what it is asked, and does as it is told. */
final class SampleRequests implements ApiRequests {
    final List<String> made = new CopyOnWriteArrayList<>();
    volatile int status = 200;

    @Override
    public RelayedRequest.Answer send(RelayedRequest request, Identity identity) {
        made.add(identity.name() + " " + request.method() + " " + request.target() + " "
                + new String(request.body(), StandardCharsets.UTF_8));
        return new RelayedRequest.Answer(
                status, Map.of(), "{\"message\":\"it is <so>\"}".getBytes(StandardCharsets.UTF_8));
    }
}
