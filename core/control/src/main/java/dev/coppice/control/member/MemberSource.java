package dev.coppice.control.member;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ComputedSource;
import dev.coppice.control.Kind;
import dev.coppice.distribution.Distribution;
import dev.coppice.distribution.Distribution.Member;
import dev.coppice.distribution.NodeId;
import dev.coppice.distribution.membership.Addresses;
import dev.coppice.schema.RecordMapper;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/** The nodes that a node knows, as {@code members.cluster.coppice.dev}. Safe for use by many threads. */
public final class MemberSource implements ComputedSource {
    public static final String GROUP = "cluster.coppice.dev";
    public static final Kind<MemberSpec, MemberStatus> KIND = Kind.cluster(
                    GROUP,
                    "v1",
                    "Member",
                    MemberSpec.class,
                    MemberStatus.class,
                    "A node of the cluster as the asked node sees it. It is read from the running node when somebody asks;"
                            + " nothing is stored.")
            .withColumn("State", "string", ".status.state", "self, up, down or unknown.")
            .withColumn("Address", "string", ".spec.address", "Where the asked node calls it.")
            .withColumn("Since", "date", ".status.since", "Since when it is up, or down.")
            .withColumn("Problem", "string", ".status.problem", "Why it is not connected.");

    private final Distribution distribution;

    public MemberSource(Distribution distribution) {
        this.distribution = distribution;
    }

    private static String name(Member member) {
        NodeId node = member.node();
        String text = node != null
                ? node.name()
                : "address-" + Addresses.text(java.util.Objects.requireNonNull(member.address()));
        return text.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9.-]", "-");
    }

    @Override
    public Optional<ObjectNode> get(String namespace, String name) {
        return distribution.members().stream()
                .filter(each -> name(each).equals(name))
                .findFirst()
                .map(MemberSource::object);
    }

    @Override
    public Listing list(String namespace) {
        List<Entry> entries = new ArrayList<>();
        for (Member each : distribution.members()) {
            entries.add(new Entry("", name(each), () -> object(each)));
        }
        return new Listing(entries, List.of());
    }

    @Override
    public Set<String> selectableFields() {
        return Set.of("spec.node", "status.state");
    }

    private static ObjectNode object(Member member) {
        NodeId node = member.node();
        String name = name(member);
        ObjectNode object = com.fasterxml.jackson.databind.node.JsonNodeFactory.instance.objectNode();
        ObjectNode metadata = object.putObject("metadata");
        metadata.put("name", name);
        String unique = node == null ? name : name + "/" + node.incarnation();
        metadata.put(
                "uid",
                UUID.nameUUIDFromBytes(unique.getBytes(StandardCharsets.UTF_8)).toString());
        MemberSpec spec = new MemberSpec(
                node == null ? null : node.name(), member.address() == null ? null : Addresses.text(member.address()));
        MemberStatus status = new MemberStatus(
                member.state().name().toLowerCase(Locale.ROOT),
                node == null ? null : Long.toHexString(node.incarnation()),
                member.since(),
                member.problem().isEmpty() ? null : member.problem());
        object.set("spec", RecordMapper.fromRecord(spec));
        object.set("status", RecordMapper.fromRecord(status));
        return object;
    }
}
