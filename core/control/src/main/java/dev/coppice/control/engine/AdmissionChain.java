package dev.coppice.control.engine;

import dev.coppice.control.admission.Admission;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Who has a say in requests, in the order in which they are asked. Safe for use by many threads. */
final class AdmissionChain {
    private final List<Admission.Mutating> mutations = new CopyOnWriteArrayList<>();
    private final List<Admission> admissions = new CopyOnWriteArrayList<>();

    void add(Admission admission) {
        admissions.add(admission);
    }

    void add(Admission.Mutating mutation) {
        mutations.add(mutation);
    }

    /** Asks those who come before the object is changed and validated, then lets others change it. */
    void mutate(Admission.Request request, Admission.Mutating.Settling settling) {
        ask(request, true);
        List<Admission.SecondPass> again = new ArrayList<>();
        for (Admission.Mutating each : mutations) {
            again.add(each.mutate(request, settling));
        }
        again.forEach(Admission.SecondPass::run);
    }

    /** Asks those who judge the object as it would be stored. */
    void admit(Admission.Request request) {
        ask(request, false);
    }

    private void ask(Admission.Request request, boolean early) {
        for (Admission each : admissions) {
            if (each instanceof Engine.EarlyAdmission == early) {
                each.admit(request);
            }
        }
    }
}
