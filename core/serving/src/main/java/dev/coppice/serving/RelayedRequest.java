package dev.coppice.serving;

import java.util.List;
import java.util.Map;

/**
 * A request that another node of the cluster was asked and hands on, whole.
 *
 * @param method upper case
 * @param target the path and query as they were sent
 * @param headers by lower-case name
 * @param body decoded by nobody
 * @param remoteAddress who asked the other node
 */
public record RelayedRequest(
        String method, String target, Map<String, List<String>> headers, byte[] body, String remoteAddress) {

    public RelayedRequest {
        headers = Map.copyOf(headers);
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
