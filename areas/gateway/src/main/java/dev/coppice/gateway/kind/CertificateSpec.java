package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.ObjectName;
import dev.coppice.gateway.kind.Names.PreciseHostname;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListType;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A certificate that is to be in a Secret (cert-manager.io/v1 Certificate), as far as Coppice fulfils it. */
@Required
@Rule(
        value = "!has(self.duration) || duration(self.duration) >= duration('1h')",
        message = "duration must be 1h at least")
@Rule(
        value = "!has(self.renewBefore) || duration(self.renewBefore) >= duration('5m')",
        message = "renewBefore must be 5m at least")
@Rule(
        value = "!has(self.duration) || !has(self.renewBefore) || duration(self.renewBefore) < duration(self.duration)",
        message = "renewBefore must be less than duration")
@Description("A certificate that is to be in a Secret.")
public record CertificateSpec(
        @Required
        @ObjectName
        @Description("The Secret that it is kept in, of type kubernetes.io/tls; its other entries stay.")
        String secretName,

        @Required
        @ListType("atomic")
        @Length(min = 1, max = 100)
        @Description(
                "The host names that it is for. Not *.example.org: ACME shows those by DNS only, which is not supported.")
        List<@PreciseHostname String> dnsNames,

        @Required @Description("Who certifies.") IssuerReference issuerRef,

        @Length(max = 32)
        @Description(
                "How long it is to be good, such as 2160h. Needs enableDurationFeature at the issuer; else the server decides.")
        @Nullable
        String duration,

        @Length(max = 32)
        @Description(
                "How long before its end it is renewed, such as 360h; by default a third of the time that it is good.")
        @Nullable
        String renewBefore,

        @Description("Its key.") @Nullable PrivateKey privateKey) {

    /** The key of a certificate. */
    @Rule(
            value =
                    "!has(self.size) || (self.algorithm == 'ECDSA' ? self.size in [256, 384, 521] : self.size in [2048, 3072, 4096, 8192])",
            message = "size must be 2048, 3072, 4096 or 8192 with RSA, and 256, 384 or 521 with ECDSA")
    @Description("The key of a certificate.")
    public record PrivateKey(
            @Enumeration({"RSA", "ECDSA"}) @Default("\"RSA\"") @Description("RSA or ECDSA.") @Nullable
            String algorithm,

            @Description("Bits; by default 2048 with RSA, 256 with ECDSA.") @Nullable
            Integer size,

            @Enumeration({"Never", "Always"})
            @Default("\"Always\"")
            @Description("Always: each certificate has a new key. Never: the key in the Secret is kept, if it fits.")
            @Nullable
            String rotationPolicy) {

        /** What counts where nothing is said. */
        public static final PrivateKey DEFAULT = new PrivateKey(null, null, null);

        public boolean ecdsa() {
            return "ECDSA".equals(algorithm);
        }

        public int sizeOrDefault() {
            if (size != null) {
                return size;
            }
            return ecdsa() ? 256 : 2048;
        }

        public boolean kept() {
            return "Never".equals(rotationPolicy);
        }
    }

    public PrivateKey key() {
        return privateKey == null ? PrivateKey.DEFAULT : privateKey;
    }
}
