package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.AnnotationValue;
import dev.coppice.gateway.kind.Names.Hostname;
import dev.coppice.gateway.kind.Names.PortNumber;
import dev.coppice.gateway.kind.Names.SectionName;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Pattern;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A listener of a Gateway or ListenerSet. */
@Description("A place where a Gateway takes connections.")
public record ListenerSpec(
        @Required @SectionName @Description("Its name, by which routes refer to it.")
        String name,

        @Hostname @Description("The host name that it is for, *.example.org for all below; by default any.") @Nullable
        String hostname,

        @Required @PortNumber @Description("Its port.") Integer port,

        @Required
        @Length(min = 1, max = 255)
        @Pattern(
                "^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\/[A-Za-z0-9]+$")
        @Description("HTTP, HTTPS, TLS, TCP or UDP.")
        String protocol,

        @Description("Certificates, with the protocols HTTPS and TLS.") @Nullable
        Tls tls,

        @Default("{\"namespaces\":{\"from\":\"Same\"}}") @Description("Which routes may attach.") @Nullable
        AllowedRoutes allowedRoutes) {

    /** TLS of a listener. */
    @Rule(
            value = "self.mode == 'Terminate' ? size(self.certificateRefs) > 0 || size(self.options) > 0 : true",
            message = "certificateRefs or options must be specified when mode is Terminate")
    @Description("TLS of the listener.")
    public record Tls(
            @Default("\"Terminate\"")
            @Enumeration({"Terminate", "Passthrough"})
            @Description("Terminate: the gateway decrypts. Passthrough: the backend does.")
            @Nullable
            String mode,

            @ListType("atomic") @Length(max = 64) @Description("Secrets of type kubernetes.io/tls.")
            List<SecretReference> certificateRefs,

            @Length(max = 16) @Description("Settings of this implementation; there are none yet.")
            Map<String, @AnnotationValue String> options) {
        public boolean terminates() {
            return !"Passthrough".equals(mode);
        }
    }
}
