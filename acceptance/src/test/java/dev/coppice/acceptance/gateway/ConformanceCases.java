package dev.coppice.acceptance.gateway;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Reads conformance tests from a folder with {@code cases.md} and {@code tests.tsv}, whose form the {@code SOURCE.md} there
 * tells. What the words of the data mean is in {@link Claims} and {@link ExchangeRows}; what they cannot read is kept as such.
 */
public final class ConformanceCases {
    private static final Pattern NEEDS = Pattern.compile("Needs: ([^.]*)\\. Manifests?: (.*)");
    private static final Pattern QUOTED = Pattern.compile("`([^`]+)`");

    private ConformanceCases() {}

    /** All tests, in the order of {@code tests.tsv}, which also tells the features; then those that only {@code cases.md} has. */
    public static List<ConformanceCase> read(Path folder) throws IOException {
        Map<String, ConformanceCase> told = new LinkedHashMap<>();
        parse(Files.readString(folder.resolve("cases.md"))).forEach(section -> told.put(section.name(), section));
        List<ConformanceCase> cases = new ArrayList<>();
        for (String line : Files.readAllLines(folder.resolve("tests.tsv"))) {
            String[] cells = line.split("\t", -1);
            if (cells.length < 3 || cells[0].equals("name")) {
                continue;
            }
            ConformanceCase section = told.remove(cells[0]);
            cases.add(new ConformanceCase(
                    cells[0],
                    words(cells[1]),
                    words(cells[2]),
                    section == null ? "" : section.note(),
                    section == null
                            ? List.of(
                                    new Claim.Told(new Claim.NotUnderstood(), "", "cases.md says nothing of this test"))
                            : section.claims(),
                    section == null ? List.of() : section.exchanges()));
        }
        cases.addAll(told.values());
        return cases;
    }

    private static List<String> words(String cell) {
        return Stream.of(cell.split(","))
                .map(String::strip)
                .filter(word -> !word.isEmpty())
                .toList();
    }

    /** The sections of {@code cases.md}. */
    static List<ConformanceCase> parse(String text) {
        List<ConformanceCase> cases = new ArrayList<>();
        String name = "";
        List<String> lines = new ArrayList<>();
        for (String line : (text + "\n## end\n").lines().toList()) {
            if (!line.startsWith("## ") && !line.startsWith("### ")) {
                lines.add(line);
                continue;
            }
            if (!name.isEmpty()) {
                cases.add(section(name, lines));
            }
            name = line.startsWith("### ") ? line.substring(4).strip() : "";
            lines.clear();
        }
        return cases;
    }

    private static ConformanceCase section(String name, List<String> lines) {
        List<String> needs = List.of();
        List<String> manifests = List.of();
        String note = "";
        List<CaseParameters> parameters = new ArrayList<>();
        List<Claim.Told> claims = new ArrayList<>();
        List<Exchange> exchanges = new ArrayList<>();
        for (String line : lines) {
            if (line.startsWith("- " + CaseParameters.PREFIX)) {
                parameters.add(CaseParameters.parse(line.substring(2)));
            }
        }
        for (String line : lines) {
            Matcher head = NEEDS.matcher(line);
            if (head.matches()) {
                needs = words(head.group(1));
                manifests = QUOTED.matcher(head.group(2))
                        .results()
                        .map(match -> match.group(1))
                        .toList();
            } else if (line.startsWith("Note: ")) {
                note = line.substring("Note: ".length());
            } else if (line.startsWith("- ")) {
                if (!line.startsWith("- " + CaseParameters.PREFIX)) {
                    expanded(line.substring(2), parameters).map(Claims::parse).forEach(claims::add);
                }
            } else if (line.startsWith("|")) {
                expanded(line, parameters).map(ExchangeRows::parse).forEach(exchange -> {
                    if (exchange != null) {
                        exchanges.add(exchange);
                    }
                });
            } else if (!line.isBlank()) {
                claims.add(new Claim.Told(new Claim.NotUnderstood(), "", line));
            }
        }
        return new ConformanceCase(name, needs, manifests, note, claims, exchanges);
    }

    /** The text once for each case, if it speaks of cases. */
    private static Stream<String> expanded(String text, List<CaseParameters> parameters) {
        return parameters.isEmpty() || !CaseParameters.wanted(text)
                ? Stream.of(text)
                : parameters.stream().map(fields -> fields.in(text));
    }
}
