package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.ControllerName;
import dev.coppice.gateway.kind.Names.GroupName;
import dev.coppice.gateway.kind.Names.KindName;
import dev.coppice.gateway.kind.Names.NamespaceName;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import org.jspecify.annotations.Nullable;

/** A class of Gateways: which controller serves them. */
@Required
@Description("A class of Gateways: which controller serves them.")
public record GatewayClassSpec(
        @Required
        @ControllerName
        @Rule(value = "self == oldSelf", message = "Value is immutable")
        @Description("The controller that serves Gateways of the class, such as coppice.dev/gateway-controller.")
        String controllerName,

        @Description("An object with parameters of the class.") @Nullable
        Parameters parametersRef,

        @Length(max = 64) @Description("What the class is for.") @Nullable
        String description) {

    /** An object with parameters. */
    @Description("An object with parameters.")
    public record Parameters(
            @Required @GroupName @Description("Its API group.")
            String group,

            @Required @KindName @Description("Its kind.") String kind,

            @Required @Length(min = 1, max = 253) @Description("Its name.")
            String name,

            @NamespaceName @Description("Its namespace, if its kind has any.") @Nullable
            String namespace) {}
}
