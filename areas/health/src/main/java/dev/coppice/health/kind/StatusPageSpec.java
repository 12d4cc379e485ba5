package dev.coppice.health.kind;

import dev.coppice.schema.Default;
import dev.coppice.schema.Description;
import dev.coppice.schema.Length;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Required;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A public page about chosen checks of the namespace. */
@Description(
        "A public page about chosen checks of the namespace, at /status/NAMESPACE/NAME on the public port, with JSON and badges."
                + " It shows names, states and history, never targets or errors.")
public record StatusPageSpec(
        @Length(max = 256) @Description("The heading; by default the name.") @Nullable
        String title,

        @Length(max = 4096) @Description("A text below the heading.") @Nullable
        String description,

        @Length(max = 64) @Description("Groups of checks, in the order in which they are shown.")
        List<Group> groups,

        @Description("Checks by label, in a group without a name; those in groups are not shown twice.") @Nullable
        LabelSelector selector,

        @Length(max = 1000) @Description("Checks by name, in a group without a name.")
        List<Component> checks,

        @Length(max = 256) @Description("Incidents written by hand, newest first.")
        List<Incident> incidents,

        @Default("90") @Minimum(1) @Maximum(90) @Description("Days of history that are shown.") @Nullable
        Integer historyDays,

        @Default("14")
        @Minimum(0)
        @Maximum(90)
        @Description("Days for which incidents that are over are shown.")
        @Nullable
        Integer incidentDays,

        @Default("false") @Description("Shows response times.") @Nullable
        Boolean showLatency,

        @Default("false") @Description("Asks search engines to list the page.") @Nullable
        Boolean searchable) {

    public StatusPageSpec {
        groups = Lists.copy(groups);
        checks = Lists.copy(checks);
        incidents = Lists.copy(incidents);
    }

    /** A group of checks. */
    @Description("A group of checks.")
    public record Group(
            @Required @Length(min = 1, max = 128) @Description("Its heading.")
            String name,

            @Length(max = 1000) @Description("Checks by name.")
            List<Component> checks,

            @Description("Checks by label.") @Nullable LabelSelector selector) {
        public Group {
            checks = Lists.copy(checks);
        }
    }

    /** A check as the page shows it. */
    @Description("A check as the page shows it.")
    public record Component(
            @Required @Length(min = 1, max = 253) @Description("Name of the HealthCheck.")
            String name,

            @Length(max = 128) @Description("How the page calls it; by default its name.") @Nullable
            String title,

            @Length(max = 1024) @Description("A line below it.") @Nullable
            String description) {}

    /** An incident or planned work, written by hand. */
    @Description("An incident or planned work, written by hand.")
    public record Incident(
            @Required @Length(min = 1, max = 256) @Description("What happened, in short.")
            String title,

            @Required @Description("When it began, or will begin.")
            Instant start,

            @Description("When it ended; open without it.") @Nullable
            Instant end,

            @Default("\"Incident\"") @Description("Incident or Maintenance.") @Nullable
            IncidentType type,

            @Length(max = 1000) @Description("Checks that it concerns.")
            List<String> checks,

            @Length(max = 256) @Description("What was told about it, newest first.")
            List<Update> updates) {
        public Incident {
            checks = Lists.copy(checks);
            updates = Lists.copy(updates);
        }
    }

    /** Sorts of incidents. */
    public enum IncidentType {
        Incident,
        Maintenance
    }

    /** What was told about an incident. */
    @Description("What was told about an incident.")
    public record Update(
            @Required @Description("When.") Instant time,

            @Description("Investigating, Identified, Monitoring or Resolved.") @Nullable
            String status,

            @Required @Length(min = 1, max = 4096) @Description("What.")
            String message) {}
}
