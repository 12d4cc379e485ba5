package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.ObjectName;
import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Required;
import org.jspecify.annotations.Nullable;

/** A reference to an issuer. */
@Description("A reference to an issuer.")
public record IssuerReference(
        @Required @ObjectName @Description("Its name.") String name,

        @Enumeration({"Issuer", "ClusterIssuer"})
        @Default("\"Issuer\"")
        @Description("Issuer, in the same namespace, or ClusterIssuer.")
        @Nullable
        String kind,

        @Enumeration("cert-manager.io") @Default("\"cert-manager.io\"") @Description("Its API group.") @Nullable
        String group) {

    public String kindOrDefault() {
        return kind == null ? "Issuer" : kind;
    }

    public boolean cluster() {
        return kindOrDefault().equals("ClusterIssuer");
    }

    @Override
    public String toString() {
        return kindOrDefault() + " " + name;
    }
}
