package dev.coppice.gateway.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.ListMap;
import dev.coppice.schema.Required;
import java.util.List;

/** What became of a class. */
@Default(GatewayClassStatus.WAITING)
@Description("What became of the class.")
public record GatewayClassStatus(
        @ListMap("type")
        @Length(max = 8)
        @Default(GatewayClassStatus.CONDITIONS)
        @Description("Accepted, SupportedVersion.")
        List<Condition> conditions,

        @ListMap("name") @Length(max = 64) @Description("What can be relied on, sorted by name.")
        List<Feature> supportedFeatures) {
    static final String CONDITIONS = """
            [{"type":"Accepted","status":"Unknown","message":"Waiting for controller","reason":"Pending",\
            "lastTransitionTime":"1970-01-01T00:00:00Z"}]""";
    static final String WAITING = "{\"conditions\":" + CONDITIONS + "}";

    /** A feature that the conformance tests know by this name. */
    @Description("A feature that the conformance tests of the Gateway API know.")
    public record Feature(
            @Required @Description("Its name, such as HTTPRouteCORS.")
            String name) {}
}
