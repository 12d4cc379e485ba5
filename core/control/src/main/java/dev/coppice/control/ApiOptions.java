package dev.coppice.control;

import dev.coppice.control.audit.AuditOptions;
import dev.coppice.control.history.JournalRetention;
import dev.coppice.control.oidc.OidcOptions;
import java.util.List;

/** What is chosen for a resource API. */
public record ApiOptions(AuditOptions audit, OidcOptions oidc, JournalRetention.Limits journal) {
    public static final ApiOptions DEFAULT =
            new ApiOptions(AuditOptions.NONE, OidcOptions.NONE, JournalRetention.Limits.DEFAULT);

    /** Adds everything that is wrong with them and the files that they name. */
    public void check(List<String> problems) {
        audit.check(problems);
        oidc.check(problems);
        journal.check(problems);
    }
}
