package dev.coppice.gateway.kind;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.coppice.gateway.kind.Names.AddressType;
import dev.coppice.gateway.kind.Names.AnnotationValue;
import dev.coppice.gateway.kind.Names.GroupName;
import dev.coppice.gateway.kind.Names.KindName;
import dev.coppice.gateway.kind.Names.LabelValue;
import dev.coppice.gateway.kind.Names.ObjectName;
import dev.coppice.gateway.kind.Names.PortNumber;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A gateway: where it listens, and who may attach routes. */
@Required
@Description("A gateway: where it listens, and who may attach routes.")
public record GatewaySpec(
        @Required @ObjectName @Description("Its GatewayClass.")
        String gatewayClassName,

        @Required
        @ListMap("name")
        @Length(min = 1, max = 64)
        @Rule(
                value = "self.all(l, l.protocol.matches('(?i)^(HTTP|TCP|UDP)$') ? !has(l.tls) : true)",
                message = "tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']")
        @Rule(
                value =
                        "self.all(l, (l.protocol.matches('(?i)^HTTPS$') && has(l.tls)) ? (l.tls.mode == '' || l.tls.mode == 'Terminate') : true)",
                message = "tls mode must be Terminate for protocol HTTPS")
        @Rule(
                value =
                        "self.all(l, (l.protocol.matches('(?i)^TLS$') ? has(l.tls) && has(l.tls.mode) && l.tls.mode != '' : true))",
                message = "tls mode must be set for protocol TLS")
        @Rule(
                value =
                        "self.all(l, l.protocol.matches('(?i)^(TCP|UDP)$')  ? (!has(l.hostname) || l.hostname == '') : true)",
                message = "hostname must not be specified for protocols ['TCP', 'UDP']")
        @Rule(
                value = "self.all(l1, self.exists_one(l2, l1.name == l2.name))",
                message = "Listener name must be unique within the Gateway")
        @Rule(
                value =
                        "self.all(l1, self.exists_one(l2, l1.port == l2.port && l1.protocol == l2.protocol && (has(l1.hostname) && has(l2.hostname) ? l1.hostname == l2.hostname : !has(l1.hostname) && !has(l2.hostname))))",
                message = "Combination of port, protocol and hostname must be unique for each listener")
        @Description("Where it listens.")
        List<ListenerSpec> listeners,

        @ListType("atomic")
        @Length(max = 16)
        @Rule(
                value =
                        "self.all(a1, a1.type == 'IPAddress' && has(a1.value) ? self.exists_one(a2, a2.type == a1.type && has(a2.value) && a2.value == a1.value) : true )",
                message = "IPAddress values must be unique")
        @Rule(
                value =
                        "self.all(a1, a1.type == 'Hostname'  && has(a1.value) ? self.exists_one(a2, a2.type == a1.type && has(a2.value) && a2.value == a1.value) : true )",
                message = "Hostname values must be unique")
        @Description("Addresses of this machine; by default one is chosen.")
        List<Address> addresses,

        @Description("Labels, annotations and parameters.") @Nullable
        Infrastructure infrastructure,

        @Description("Which ListenerSets may attach; by default none.") @Nullable
        AllowedListeners allowedListeners,

        @Description("TLS for all listeners, and to backends.") @Nullable
        Tls tls) {

    /** An address that is asked for. */
    @Rule(
            value =
                    "self.type == 'Hostname' ? (!has(self.value) || self.value.matches('^(\\\\*\\\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')): true",
            message =
                    "Hostname value must be empty or contain only valid characters (matching ^(\\*\\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$)")
    @Description("An address that is asked for.")
    public record Address(
            @AddressType @Default("\"IPAddress\"") @Description("Only IPAddress is supported.") @Nullable
            String type,

            @Length(max = 253) @Description("The address; by default one is chosen.") @Nullable
            String value) {
        public boolean isIp() {
            return type == null || type.equals("IPAddress");
        }
    }

    /** Labels, annotations and parameters of what is made for a Gateway. */
    @Description("Labels, annotations and parameters of what is made for the Gateway.")
    public record Infrastructure(
            @Length(max = 8)
            @Rule(
                    value =
                            "self.all(key, key.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$'))",
                    message =
                            "Label keys must be in the form of an optional DNS subdomain prefix followed by a required name segment of up to 63 characters.")
            @Rule(
                    value = "self.all(key, key.split('/')[0].size() < 253)",
                    message =
                            "If specified, the label key's prefix must be a DNS subdomain not longer than 253 characters in total.")
            @Description("Labels.")
            Map<String, @LabelValue String> labels,

            @Length(max = 16)
            @Rule(
                    value =
                            "self.all(key, key.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]$'))",
                    message =
                            "Annotation keys must be in the form of an optional DNS subdomain prefix followed by a required name segment of up to 63 characters.")
            @Rule(
                    value = "self.all(key, key.split('/')[0].size() < 253)",
                    message =
                            "If specified, the annotation key's prefix must be a DNS subdomain not longer than 253 characters in total.")
            @Description("Annotations.")
            Map<String, @AnnotationValue String> annotations,

            @Description("An object with parameters; none is supported.") @Nullable
            Parameters parametersRef) {}

    /** An object of the namespace with parameters. */
    @Description("An object of the namespace with parameters.")
    public record Parameters(
            @Required @GroupName @Description("Its API group.")
            String group,

            @Required @KindName @Description("Its kind.") String kind,

            @Required @Length(min = 1, max = 253) @Description("Its name.")
            String name) {}

    /** Which ListenerSets may attach. */
    @Description("Which ListenerSets may attach.")
    public record AllowedListeners(
            @Default("{\"from\":\"None\"}") @Description("From which namespaces.") @Nullable
            Namespaces namespaces) {

        /** From which namespaces ListenerSets may attach. */
        @Description("From which namespaces ListenerSets may attach.")
        public record Namespaces(
                @Default("\"None\"")
                @Enumeration({"All", "Selector", "Same", "None"})
                @Description("All, Selector, Same or None.")
                @Nullable
                String from,

                @Description("Chooses namespaces by their labels, with from: Selector.") @Nullable
                LabelSelector selector) {}
    }

    /** TLS of a whole Gateway. */
    @Description("TLS of the whole Gateway.")
    public record Tls(
            @Description("How the gateway shows itself to backends.") @Nullable
            BackendTls backend,

            @Description("How clients are checked.") @Nullable
            FrontendTls frontend) {}

    /** How the gateway shows itself to backends. */
    @Description("How the gateway shows itself to backends.")
    public record BackendTls(
            @Description("A Secret with the client certificate.") @Nullable
            SecretReference clientCertificateRef) {}

    /** How clients are checked. */
    @Description("How clients are checked.")
    public record FrontendTls(
            @Required
            @JsonProperty("default")
            @Description("For all HTTPS listeners without a port of their own below.")
            TlsConfig defaults,

            @ListMap("port")
            @Length(max = 64)
            @Rule(
                    value = "self.all(t1, self.exists_one(t2, t1.port == t2.port))",
                    message = "Port for TLS configuration must be unique within the Gateway")
            @Description("Instead, for the listeners of one port.")
            List<PortTls> perPort) {}

    /** TLS of the listeners of one port. */
    @Description("TLS of the listeners of one port.")
    public record PortTls(
            @Required @PortNumber @Description("The port.") Integer port,
            @Required @Description("Its settings.") TlsConfig tls) {}

    /** TLS towards clients. */
    @Description("TLS towards clients.")
    public record TlsConfig(
            @Description("Asks clients for certificates.") @Nullable
            Validation validation) {}

    /** How certificates of clients are checked. */
    @Description("How certificates of clients are checked.")
    public record Validation(
            @Required @ListType("atomic") @Length(min = 1, max = 8) @Description("ConfigMaps whose ca.crt is trusted.")
            List<ObjectReference> caCertificateRefs,

            @Default("\"AllowValidOnly\"")
            @Enumeration({"AllowValidOnly", "AllowInsecureFallback"})
            @Description("AllowValidOnly, or AllowInsecureFallback: anybody.")
            @Nullable
            String mode) {}
}
