package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.AnnotationValue;
import dev.coppice.gateway.kind.Names.Hostname;
import dev.coppice.gateway.kind.Names.PreciseHostname;
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

/** How the gateway speaks TLS to a Service. */
@Required
@Description("How the gateway speaks TLS to a Service.")
public record BackendTlsPolicySpec(
        @Required
        @ListType("atomic")
        @Length(min = 1, max = 16)
        @Rule(
                value = PolicyTarget.WHOLE_OR_SECTIONS,
                message =
                        "sectionName must be specified when targetRefs includes 2 or more references to the same target")
        @Rule(
                value = PolicyTarget.EACH_ONCE,
                message = "sectionName must be unique when targetRefs includes 2 or more references to the same target")
        @Description("The Services, or ports of them.")
        List<PolicyTarget> targetRefs,

        @Required @Description("What the Service has to show.")
        Validation validation,

        @Length(max = 16) @Description("Settings of this implementation; there are none yet.")
        Map<String, @AnnotationValue String> options) {

    /** What a Service has to show. */
    @Rule(
            value =
                    "!(has(self.caCertificateRefs) && size(self.caCertificateRefs) > 0 && has(self.wellKnownCACertificates) && self.wellKnownCACertificates != '')",
            message = "must not contain both CACertificateRefs and WellKnownCACertificates")
    @Rule(
            value =
                    "(has(self.caCertificateRefs) && size(self.caCertificateRefs) > 0 || has(self.wellKnownCACertificates) && self.wellKnownCACertificates != '')",
            message = "must specify either CACertificateRefs or WellKnownCACertificates")
    @Description("What the Service has to show.")
    public record Validation(
            @ListType("atomic") @Length(max = 8) @Description("ConfigMaps whose ca.crt is trusted.")
            List<LocalReference> caCertificateRefs,

            @Enumeration("System") @Description("System: what the machine trusts.") @Nullable
            String wellKnownCACertificates,

            @Required @PreciseHostname @Description("The host name to ask for, and to find in the certificate.")
            String hostname,

            @ListType("atomic") @Length(max = 5) @Description("Other names, one of which the certificate has to have.")
            List<SubjectAltName> subjectAltNames) {}

    /** A name in a certificate. */
    @Rule(
            value = "!(self.type == 'Hostname' && (!has(self.hostname) || self.hostname == ''))",
            message = "SubjectAltName element must contain Hostname, if Type is set to Hostname")
    @Rule(
            value = "!(self.type != 'Hostname' && has(self.hostname) && self.hostname != '')",
            message = "SubjectAltName element must not contain Hostname, if Type is not set to Hostname")
    @Rule(
            value = "!(self.type == 'URI' && (!has(self.uri) || self.uri == ''))",
            message = "SubjectAltName element must contain URI, if Type is set to URI")
    @Rule(
            value = "!(self.type != 'URI' && has(self.uri) && self.uri != '')",
            message = "SubjectAltName element must not contain URI, if Type is not set to URI")
    @Description("A name in a certificate.")
    public record SubjectAltName(
            @Required @Enumeration({"Hostname", "URI"}) @Description("Hostname or URI.")
            String type,

            @Hostname @Description("The host name.") @Nullable
            String hostname,

            @Length(min = 1, max = 253)
            @Pattern("^(([^:/?#]+):)(//([^/?#]*))([^?#]*)(\\?([^#]*))?(#(.*))?")
            @Description("The URI.")
            @Nullable
            String uri) {}
}
