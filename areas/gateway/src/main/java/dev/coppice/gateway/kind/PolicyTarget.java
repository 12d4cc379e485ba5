package dev.coppice.gateway.kind;

import dev.coppice.gateway.kind.Names.GroupName;
import dev.coppice.gateway.kind.Names.KindName;
import dev.coppice.gateway.kind.Names.ObjectName;
import dev.coppice.gateway.kind.Names.SectionName;
import dev.coppice.schema.Description;
import dev.coppice.schema.Required;
import org.jspecify.annotations.Nullable;

/** What a policy is for: a Service of its namespace, or a port of one (a LocalPolicyTargetReferenceWithSectionName of the Gateway API). */
@Description("A Service, or a port of one.")
public record PolicyTarget(
        @Required @GroupName @Description("Its API group; empty for the core.")
        String group,

        @Required @KindName @Description("Its kind.") String kind,
        @Required @ObjectName @Description("Its name.") String name,

        @SectionName @Description("Only the port of this name.") @Nullable
        String sectionName) {

    /** CEL over a list: a target is there as a whole, or by some of its sections. */
    static final String WHOLE_OR_SECTIONS =
            "self.all(p1, self.all(p2, p1.group == p2.group && p1.kind == p2.kind && p1.name == p2.name ? ((!has(p1.sectionName) || p1.sectionName == '') == (!has(p2.sectionName) || p2.sectionName == '')) : true))";

    /** CEL over a list: no target, or section of one, is there twice. */
    static final String EACH_ONCE =
            "self.all(p1, self.exists_one(p2, p1.group == p2.group && p1.kind == p2.kind && p1.name == p2.name && (((!has(p1.sectionName) || p1.sectionName == '') && (!has(p2.sectionName) || p2.sectionName == '')) || (has(p1.sectionName) && has(p2.sectionName) && p1.sectionName == p2.sectionName))))";
}
