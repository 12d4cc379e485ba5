package dev.coppice.schema.apply;

import dev.coppice.schema.Cause;
import java.util.List;

/** An apply that would change fields which others own: 409 Conflict, with Kubernetes' message and causes. */
public final class ApplyConflictException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient List<Cause> causes;

    ApplyConflictException(String message, List<Cause> causes) {
        super(message);
        this.causes = List.copyOf(causes);
    }

    /** One cause (reason FieldManagerConflict) a field and manager. */
    public List<Cause> causes() {
        return causes;
    }
}
