package dev.coppice.serving;

import java.util.List;
import java.util.Map;

/**
 * A request, whole, that came another way than to the listener that answers it: another node of the cluster was asked and hands it on,
 * or a part of this process makes it for somebody.
 *
 * @param method upper case
 * @param target the path and query as they were sent
 * @param headers by lower-case name
 * @param body decoded by nobody
 * @param remoteAddress who asked in the first place
 */
public record RelayedRequest(
        String method, String target, Map<String, List<String>> headers, byte[] body, String remoteAddress) {

    public RelayedRequest {
        headers = Map.copyOf(headers);
    }

    /** What a handler of this process answers when somebody asks it this; the handler knows nobody else as the one who asks. */
    public Answer ask(Handler handler, Identity identity) throws Exception {
        RelayedExchange exchange = new RelayedExchange(this);
        exchange.setIdentity(identity);
        handler.handle(exchange);
        return exchange.answer();
    }

    /**
     * What is answered, whole.
     *
     * @param headers by name, as they were set
     */
    public record Answer(int status, Map<String, List<String>> headers, byte[] body) {

        public Answer {
            headers = Map.copyOf(headers);
        }
    }
}
