package dev.coppice.acceptance.gateway;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What came of the tests, for a summary that hides nothing. For one thread. */
public final class ConformanceReport {
    private final List<String> passed = new ArrayList<>();
    private final Map<String, List<String>> failed = new LinkedHashMap<>();
    private final Map<String, List<String>> unsupported = new LinkedHashMap<>();
    private final List<String> notChecked = new ArrayList<>();
    private int checked;

    void passed(String test) {
        passed.add(test);
    }

    void failed(String test, List<String> problems) {
        failed.put(test, List.copyOf(problems));
    }

    public void unsupported(String test, List<String> missing) {
        unsupported.put(test, List.copyOf(missing));
    }

    void checked() {
        checked++;
    }

    void notChecked(String test, String what) {
        notChecked.add(test + ": " + what);
        System.err.println("NOT CHECKED: " + test + ": " + what);
    }

    /** Everything, ending with the counts. */
    public String summary() {
        StringBuilder text = new StringBuilder("\n");
        failed.forEach((test, problems) -> problems.forEach(problem ->
                text.append("FAILED ").append(test).append(": ").append(problem).append('\n')));
        unsupported.forEach((test, missing) -> text.append("NOT SUPPORTED YET: ")
                .append(test)
                .append(' ')
                .append(missing)
                .append('\n'));
        notChecked.forEach(what -> text.append("NOT CHECKED ").append(what).append('\n'));
        return text.append(passed.size())
                .append(" conformance tests passed, ")
                .append(failed.size())
                .append(" failed, ")
                .append(unsupported.size())
                .append(" not supported yet; ")
                .append(checked)
                .append(" assertions checked, ")
                .append(notChecked.size())
                .append(" not checked\n")
                .toString();
    }
}
