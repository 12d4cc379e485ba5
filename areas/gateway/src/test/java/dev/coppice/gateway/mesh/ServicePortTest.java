package dev.coppice.gateway.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import dev.coppice.gateway.mesh.ServicePort.Speaks;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ServicePortTest {

    @ParameterizedTest
    @CsvSource({
        // The protocol goes before the name.
        "TCP,http,tcp,HTTP",
        "TCP,HTTP,'',HTTP",
        "TCP,kubernetes.io/ws,'',HTTP",
        "TCP,kubernetes.io/h2c,http,HTTP2",
        "TCP,grpc,'',HTTP2",
        "TCP,https,http,STREAMS",
        "TCP,kubernetes.io/wss,'',STREAMS",
        "TCP,example.org/own,http,STREAMS",
        "TCP,'',http,HTTP",
        "TCP,'',http-alt,HTTP",
        "TCP,'',grpc,HTTP2",
        "TCP,'',grpc-web,HTTP2",
        "TCP,'',http2,HTTP2",
        "TCP,'',https,STREAMS",
        "TCP,'',httpd,STREAMS",
        "TCP,'',tcp,STREAMS",
        "TCP,'','',STREAMS",
        "UDP,'',http,DATAGRAMS",
        "SCTP,'',http,UNKNOWN",
    })
    void saysWhatItsClientsSpeak(String protocol, String application, String name, Speaks speaks) {
        JsonNode port = JsonNodeFactory.instance
                .objectNode()
                .put("protocol", protocol)
                .put("appProtocol", application)
                .put("name", name)
                .put("port", 80);
        assertThat(ServicePort.of(port)).isEqualTo(new ServicePort(80, name, speaks));
    }
}
