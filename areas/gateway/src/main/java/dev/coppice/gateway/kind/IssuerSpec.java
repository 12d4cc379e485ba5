package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.ObjectName;
import dev.coppice.gateway.kind.Names.PreciseHostname;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Pattern;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Who certifies (cert-manager.io/v1 Issuer and ClusterIssuer), as far as Coppice fulfils it: ACME servers (RFC 8555). */
@Required
@Description("Who certifies: an ACME server (RFC 8555).")
public record IssuerSpec(
        @Required @Description("An ACME server, and the account there.")
        Acme acme) {

    /** An ACME server, and the account there. */
    @Rule(
            value = "!has(self.caBundle) || !self.skipTLSVerify",
            message = "caBundle and skipTLSVerify: give one of them; without verification no authority counts")
    @Description("An ACME server, and the account there. Who makes the issuer agrees to the server's terms of service.")
    public record Acme(
            @Required
            @Length(min = 9, max = 2048)
            @Pattern("^https://[^/?#@\\s]+(/[^?#\\s]*)?(\\?[^#\\s]*)?$")
            @Description("The address of its directory, https.")
            String server,

            @Length(min = 3, max = 254)
            @Pattern("^[^\\s@<>,?]+@[^\\s@<>,?]+$")
            @Description("Whom the server writes to about the account.")
            @Nullable
            String email,

            @Required
            @Description(
                    "The Secret with the account's key; it is made when there is none. Of a ClusterIssuer it is in the namespace coppice-system.")
            SecretKey privateKeySecretRef,

            @Length(min = 1, max = 262144)
            @Pattern("^[A-Za-z0-9+/=\\r\\n]+$")
            @Description(
                    "The authorities by which the server's own certificate is checked: PEM in base64. By default the machine's.")
            @Nullable
            String caBundle,

            @Default("false") @Description("The server's certificate is not checked. For tests only.")
            boolean skipTLSVerify,

            @Description("An account of the server's operator that this one belongs to.") @Nullable
            ExternalAccountBinding externalAccountBinding,

            @Length(min = 1, max = 64)
            @Description(
                    "The common name of an issuer: of the chains that the server offers, the one with it is taken, if there is one.")
            @Nullable
            String preferredChain,

            @Length(min = 1, max = 64)
            @Description("Which of the server's profiles certificates are made by.")
            @Nullable
            String profile,

            @Default("false")
            @Description(
                    "Certificates are asked for with their duration, which not every server allows. Else the server decides how long they are good.")
            boolean enableDurationFeature,

            @Default("false") @Description("No key is made: the Secret has to be there.")
            boolean disableAccountKeyGeneration,

            @Required
            @ListType("atomic")
            @Length(min = 1, max = 16)
            @Description(
                    "How it is shown that a name is ours: the solver whose selector fits it best, of equals the first.")
            List<Solver> solvers) {}

    /** An entry of a Secret. */
    @Description("An entry of a Secret.")
    public record SecretKey(
            @Required @ObjectName @Description("The Secret's name.")
            String name,

            @Length(min = 1, max = 253)
            @Pattern("^[-._a-zA-Z0-9]+$")
            @Default("\"tls.key\"")
            @Description("The entry.")
            @Nullable
            String key) {
        public String keyOrDefault() {
            return key == null ? "tls.key" : key;
        }
    }

    /** An account outside of ACME (RFC 8555, 7.3.4). */
    @Description("An account of the server's operator (RFC 8555, 7.3.4).")
    public record ExternalAccountBinding(
            @Required @Length(min = 1, max = 512) @Description("Its identifier.")
            String keyID,

            @Required @Description("The Secret with its MAC key, base64url without padding.")
            SecretKey keySecretRef) {}

    /** How it is shown that names are ours. */
    @Rule(value = "has(self.http01) != has(self.coppiceTLSALPN01)", message = "give one of http01 and coppiceTLSALPN01")
    @Description("How it is shown that names are ours.")
    public record Solver(
            @Description("Which names it is for; by default all.") @Nullable
            Selector selector,

            @Description("By a file at port 80 (RFC 8555, 8.3).") @Nullable
            Http01 http01,

            @Description("By a certificate at port 443 (RFC 8737). Coppice's own: cert-manager has no such solver.")
            @Nullable
            Listeners coppiceTLSALPN01) {

        /** Where it is shown. */
        public List<ParentReference> parentRefs() {
            Listeners listeners = http01 == null ? coppiceTLSALPN01 : http01.gatewayHTTPRoute();
            return listeners == null ? List.of() : listeners.parentRefs();
        }
    }

    /** Which names a solver is for. */
    @Description("Which names a solver is for.")
    public record Selector(
            @ListType("atomic") @Length(max = 100) @Description("These names. They go before zones.")
            List<@PreciseHostname String> dnsNames,

            @ListType("atomic")
            @Length(max = 100)
            @Description("These names and all below them; the longest fits best.")
            List<@PreciseHostname String> dnsZones) {}

    /** By a file at port 80. */
    @Description("By a file at port 80.")
    public record Http01(
            @Required @Description("By listeners of Gateways.")
            Listeners gatewayHTTPRoute) {}

    /** Listeners of Gateways. */
    @Description("Listeners of Gateways that show it; they have to allow routes from the Certificate's namespace.")
    public record Listeners(
            @ListType("atomic")
            @Length(max = 32)
            @Description("Gateways and ListenerSets; by default all that have such a listener for the name.")
            List<ParentReference> parentRefs) {}
}
