package dev.coppice.control.process;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ComputedSource;
import dev.coppice.control.Kind;
import dev.coppice.control.request.Json;
import dev.coppice.kernel.Insight;
import dev.coppice.kernel.Inspector;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.ProcessOptions;
import dev.coppice.kernel.Supervisor;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.kernel.Trace;
import dev.coppice.kernel.Traits;
import dev.coppice.kernel.Vitals;
import dev.coppice.schema.GoDuration;
import dev.coppice.schema.RecordMapper;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The children of a kernel's supervision tree as {@code processes.runtime.coppice.dev}. A list shows at most 1,000 children
 * of each supervisor, and the greatest of all; the others can be read by name. Safe for use by many threads.
 */
public final class ProcessSource implements ComputedSource {
    public static final String GROUP = "runtime.coppice.dev";
    public static final Kind<ProcessSpec, ProcessStatus> KIND = kind();

    private static final String LABELS = GROUP + "/";
    private static final int MAX_CHILDREN = 1_000;
    private static final int GREATEST = 50;
    private static final int MAX_REASON = 300;
    private static final int MAX_LABEL = 63;

    private final Kernel kernel;
    private final TracePart trace;

    public ProcessSource(Kernel kernel) {
        this.kernel = kernel;
        this.trace = new TracePart(kernel.inspector());
    }

    private static Kind<ProcessSpec, ProcessStatus> kind() {
        return Kind.cluster(
                        GROUP,
                        "v1",
                        "Process",
                        ProcessSpec.class,
                        ProcessStatus.class,
                        "Something that runs in this node: a child of its supervision tree, supervisors included. It is read"
                                + " from the running node when somebody asks; nothing is stored.")
                .withShortNames("proc")
                .withColumn("Kind", "string", ".spec.sort", "process, task, service, periodic or supervisor.")
                .withColumn("State", "string", ".status.state", "starting, running, restarting or stopped.")
                .withColumn("Restarts", "integer", ".status.restarts", "How often it was restarted.")
                .withColumn("Mailbox", "integer", ".status.mailbox", "Messages waiting.")
                .withColumn("Msg/s", "number", ".status.messagesPerSecond", "Messages handled, or runs, per second.")
                .withColumn(
                        "CPU%",
                        "number",
                        ".status.cpuPercent",
                        "An estimate of the share of one processor: time in handlers, without what it waited there.")
                .withColumn("Memory", "string", ".status.memory", "An estimate of what it alone holds.")
                .withColumn("Age", "date", ".status.startedAt", "Since its last start.")
                .withColumn(new Kind.Column("Handled", "integer", ".status.handled", "Messages handled.", true))
                .withColumn(new Kind.Column("Path", "string", ".spec.path", "Its path in the supervision tree.", true))
                .withColumn(new Kind.Column("Last Crash", "string", ".status.lastCrash", "The last crash.", true));
    }

    @Override
    public Optional<ObjectNode> get(String namespace, String name) {
        return ProcessNames.path(name)
                .flatMap(path -> kernel.inspector().insight(path))
                .map(this::whole);
    }

    @Override
    public Listing list(String namespace) {
        List<Entry> entries = new ArrayList<>();
        List<String> warnings = new ArrayList<>();
        for (Inspector.Glance glance : kernel.inspector().list(MAX_CHILDREN)) {
            String path = glance.path();
            entries.add(new Entry("", ProcessNames.name(path), () -> brief(glance)));
            omitted(warnings, path, glance.omitted());
        }
        omitted(warnings, "/", kernel.inspector().omittedAtTop(MAX_CHILDREN));
        if (!warnings.isEmpty()) {
            addGreatest(entries);
        }
        return new Listing(entries, warnings);
    }

    /** What is left out must not hide who is the busiest. */
    private void addGreatest(List<Entry> entries) {
        Set<String> there = new HashSet<>();
        entries.forEach(entry -> there.add(entry.name()));
        kernel.inspector()
                .top(EnumSet.allOf(Inspector.Order.class), GREATEST)
                .values()
                .forEach(greatest -> greatest.forEach(glance -> {
                    String name = ProcessNames.name(glance.path());
                    if (there.add(name)) {
                        entries.add(new Entry("", name, () -> brief(glance)));
                    }
                }));
    }

    private static void omitted(List<String> warnings, String path, int omitted) {
        if (omitted > 0) {
            warnings.add(omitted + " children of " + path
                    + " are left out of the list, but for the greatest; each can be" + " read by its name");
        }
    }

    @Override
    public Set<String> selectableFields() {
        return Set.of("spec.path", "spec.parent", "spec.sort", "status.state");
    }

    @Override
    public List<Part> parts() {
        return List.of(trace.part());
    }

    // ---- objects

    private static ObjectNode brief(Inspector.Glance glance) {
        Vitals vitals = glance.vitals();
        int omitted = glance.omitted();
        ProcessStatus status = status(vitals, omitted == 0 ? null : omitted, null, null);
        return object(vitals, spec(glance.traits(), vitals.path()), status);
    }

    private ObjectNode whole(Insight insight) {
        Vitals vitals = insight.vitals();
        int omitted = Math.max(0, vitals.children() - MAX_CHILDREN);
        boolean traced =
                kernel.inspector().trace(vitals.path()).filter(Trace::running).isPresent();
        ProcessStatus status = status(vitals, omitted == 0 ? null : omitted, insight, traced ? true : null);
        return object(vitals, spec(insight.traits(), vitals.path()), status);
    }

    private static ObjectNode object(Vitals vitals, ProcessSpec spec, ProcessStatus status) {
        ObjectNode object = Json.object();
        ObjectNode metadata = object.putObject("metadata");
        metadata.put("name", ProcessNames.name(vitals.path()));
        metadata.put(
                "uid",
                UUID.nameUUIDFromBytes(vitals.path().getBytes(StandardCharsets.UTF_8))
                        .toString());
        metadata.put("creationTimestamp", time(vitals.startedAt()));
        ObjectNode labels = metadata.putObject("labels");
        labels.put(LABELS + "sort", vitals.sort());
        labels.put(LABELS + "state", state(vitals.state()));
        String[] steps = vitals.path().split("/", 4);
        label(labels, "branch", steps[1]);
        if (steps[1].equals("extensions") && steps.length > 2) {
            label(labels, "extension", steps[2]);
        }
        object.set("spec", RecordMapper.fromRecord(spec));
        object.set("status", RecordMapper.fromRecord(status));
        return object;
    }

    /** A label, where its value can be one. */
    private static void label(ObjectNode labels, String name, String value) {
        if (value.length() <= MAX_LABEL && value.matches("[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")) {
            labels.put(LABELS + name, value);
        }
    }

    private static String time(Instant at) {
        return DateTimeFormatter.ISO_INSTANT.format(at.truncatedTo(ChronoUnit.SECONDS));
    }

    static String state(Supervisor.State state) {
        return state.name().toLowerCase(Locale.ROOT);
    }

    private static String parent(String path) {
        int slash = path.lastIndexOf('/');
        return slash <= 0 ? "/" : path.substring(0, slash);
    }

    private static ProcessSpec spec(Traits traits, String path) {
        ProcessOptions process = traits.process();
        SupervisorOptions supervisor = traits.supervisor();
        return new ProcessSpec(
                path,
                parent(path),
                traits.sort(),
                camel(traits.restart()),
                duration(traits.shutdown()),
                process == null ? null : camel(process.mode()),
                process == null ? null : process.mailbox(),
                process == null ? null : camel(process.overflow()),
                duration(traits.interval()),
                supervisor == null ? null : camel(supervisor.strategy()),
                supervisor == null ? null : supervisor.maxRestarts(),
                supervisor == null ? null : duration(supervisor.period()),
                supervisor == null ? null : supervisor.maxChildren());
    }

    /** {@code ON_DEMAND} as {@code onDemand}. */
    private static String camel(Enum<?> constant) {
        StringBuilder text = new StringBuilder();
        for (String word : constant.name().toLowerCase(Locale.ROOT).split("_")) {
            text.append(text.isEmpty() ? word : Character.toUpperCase(word.charAt(0)) + word.substring(1));
        }
        return text.toString();
    }

    private static @Nullable String duration(@Nullable Duration duration) {
        return duration == null ? null : GoDuration.format(duration);
    }

    private static ProcessStatus status(
            Vitals v, @Nullable Integer omitted, @Nullable Insight insight, @Nullable Boolean traced) {
        boolean supervisor = v.sort().equals("supervisor");
        return new ProcessStatus(
                state(v.state()),
                v.startedAt(),
                v.restarts(),
                v.mailbox(),
                v.handled(),
                rounded(v.rate()),
                rounded(v.cpuShare() * 100),
                rounded(v.recentShare() * 100),
                rounded(v.busyShare() * 100),
                GoDuration.format(v.busy().truncatedTo(ChronoUnit.MICROS)),
                GoDuration.format(v.window().truncatedTo(ChronoUnit.MILLIS)),
                memory(v.memoryBytes()),
                v.memoryBytes(),
                v.memoryCut() ? true : null,
                supervisor ? v.children() : null,
                omitted,
                insight == null ? null : number(insight.links()),
                insight == null ? null : number(insight.monitors()),
                v.lastFailure().map(text -> cut(text)).orElse(null),
                insight == null ? List.of() : crashes(insight),
                insight == null ? List.of() : insight.stack(),
                insight == null || insight.state().isEmpty() ? note(insight) : insight.state(),
                traced);
    }

    private static @Nullable String note(@Nullable Insight insight) {
        return insight == null || insight.stateNote().isEmpty() ? null : insight.stateNote();
    }

    private static @Nullable Integer number(OptionalInt value) {
        return value.isPresent() ? value.getAsInt() : null;
    }

    private static List<ProcessStatus.Crash> crashes(Insight insight) {
        return insight.crashes().stream()
                .map(crash -> new ProcessStatus.Crash(crash.at(), cut(crash.reason()), crash.stack()))
                .toList();
    }

    private static String cut(String text) {
        return text.length() <= MAX_REASON ? text : text.substring(0, MAX_REASON - 1) + "…";
    }

    /** With as many digits as say something. */
    private static double rounded(double value) {
        double unit = value < 10 ? 100 : value < 100 ? 10 : 1;
        return Math.round(value * unit) / unit;
    }

    /** As Kubernetes writes quantities: 512, 12Ki, 3Mi. */
    static String memory(long bytes) {
        if (bytes < 10_000) {
            return Long.toString(bytes);
        }
        return bytes < 10L << 20 ? (bytes >> 10) + "Ki" : (bytes >> 20) + "Mi";
    }
}
