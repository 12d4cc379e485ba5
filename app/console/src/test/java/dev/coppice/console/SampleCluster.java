package dev.coppice.console;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.UncheckedIOException;

/** Five nodes in all the states that a node can be in. */
final class SampleCluster {
    private SampleCluster() {}

    static JsonNode status() {
        try {
            return new JsonMapper().readTree("""
                    {"leader": "node-1", "term": 12,
                     "members": [
                       {"id": "6a1f00c2d4e8b731", "name": "node-1", "role": "leader", "voter": true, "reachable": true, "term": 12,
                        "applied": 48211, "committed": 48211, "bytes": 73400320, "lag": 0,
                        "peerUrls": ["https://10.0.0.1:2380"], "clientUrls": ["https://10.0.0.1:2379"]},
                       {"id": "7b2f00c2d4e8b732", "name": "node-2", "role": "follower", "voter": true, "reachable": true, "term": 12,
                        "applied": 48209, "committed": 48209, "bytes": 72351744, "lag": 2,
                        "peerUrls": ["https://10.0.0.2:2380"], "clientUrls": ["https://10.0.0.2:2379"]},
                       {"id": "4c3f00c2d4e8b733", "name": "node-3", "role": "not reachable", "voter": true, "reachable": false,
                        "term": 0, "applied": 0, "committed": 0, "bytes": 0,
                        "peerUrls": ["https://node-3.example.org:2380"], "clientUrls": ["https://node-3.example.org:2379"]},
                       {"id": "5d4f00c2d4e8b734", "name": "node-4", "role": "learner", "voter": false, "reachable": true, "term": 12,
                        "applied": 31007, "committed": 31007, "bytes": 40894464, "lag": 17204,
                        "peerUrls": ["https://10.0.0.4:2380"], "clientUrls": ["https://10.0.0.4:2379"]},
                       {"id": "4e5f00c2d4e8b735", "name": "", "role": "not started", "voter": false, "reachable": false, "term": 0,
                        "applied": 0, "committed": 0, "bytes": 0, "peerUrls": ["https://10.0.0.5:2380"], "clientUrls": []}],
                     "elections": [
                       {"at": "2026-11-28T12:00:00Z", "term": 12, "leader": "node-1"},
                       {"at": "2026-11-28T09:12:44Z", "term": 11, "leader": "node-3"}]}
                    """);
        } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }
}
