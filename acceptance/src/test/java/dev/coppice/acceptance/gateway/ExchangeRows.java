package dev.coppice.acceptance.gateway;

import dev.coppice.acceptance.gateway.Exchange.Expectation;
import dev.coppice.acceptance.gateway.Exchange.Mirror;
import dev.coppice.acceptance.gateway.Exchange.Outcome;
import dev.coppice.acceptance.gateway.Exchange.Redirect;
import dev.coppice.acceptance.gateway.Exchange.Request;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads the tables of requests in {@code cases.md}. */
final class ExchangeRows {
    private static final String ECHO_SET_HEADER = "X-Echo-Set-Header";
    private static final Pattern REQUEST_LINE = Pattern.compile("([A-Z]+) `([^`]*)`");
    private static final Pattern NAMED = Pattern.compile("(host|SNI|server name|authority|scheme|port|path) `([^`]*)`");
    private static final Pattern GRPC_CALL = Pattern.compile("gRPC call `([^`]+)`");
    private static final Pattern GRPC_STATUS = Pattern.compile("gRPC status (\\w+)");
    private static final Pattern SERVICE = Pattern.compile("answer names service `([^`]*)` in `([^`]*)`");
    private static final String BACKEND_TLS = "backend itself speaks TLS: ";
    private static final Pattern PROTOCOL = Pattern.compile("protocol (HTTP/\\S+)");
    private static final Pattern CLIENT_CERTIFICATE = Pattern.compile("client certificate (\\S+)");
    private static final Pattern ASKED_HEADERS = Pattern.compile(
            "(?:the )?backend (?:sets|must set|is asked to set|answers with) (?:the )?(?:response )?headers? (.+)");
    private static final Pattern HEADERS = Pattern.compile("headers? (.+)");
    private static final Pattern PLAIN_HEADERS =
            Pattern.compile("response headers `[^`:]+:[^`]*`(?:[;,] `[^`:]+:[^`]*`)*");
    private static final Pattern QUOTED = Pattern.compile("`([^`]*)`");
    private static final Pattern STATUS = Pattern.compile("status (\\d+(?:(?: or |, )\\d+)*)");
    private static final Pattern ANY_STATUS_BUT = Pattern.compile("an HTTP answer with any status but (\\d+)");
    private static final Pattern SERVED_BY = Pattern.compile("served by `([^`]*)`(?: in `([^`]*)`)?");
    private static final Pattern MIRRORS = Pattern.compile("a copy reaches (.+)");
    private static final Pattern A_MIRROR =
            Pattern.compile("\\{Name: ([^,}]+), Namespace: ([^,}]+)}(?:, Percent: (?:int32\\()?(\\d+))?");

    private ExchangeRows() {}

    /** @param row a line of a table; null when it is a head or a rule of one */
    static @Nullable Exchange parse(String row) {
        String[] cells = row.strip().split("(?<!\\\\)\\|", -1);
        if (cells.length < 5 || !cells[1].strip().matches("\\d+")) {
            return null;
        }
        List<String> notUnderstood = new ArrayList<>();
        String call = Texts.withoutStep(cells[2]);
        return new Exchange(
                Integer.parseInt(cells[1].strip()),
                Texts.step(cells[2]),
                call(call, notUnderstood),
                expectation(cells[3].strip(), notUnderstood),
                notUnderstood,
                call + " → " + cells[3].strip());
    }

    private static Exchange.@Nullable Call call(String cell, List<String> notUnderstood) {
        List<String> parts = Texts.split(cell, ", ");
        if (cell.startsWith("TCP/TLS echo request")) {
            String serverName = "";
            for (String part : parts.subList(1, parts.size())) {
                Matcher named = NAMED.matcher(part);
                if (named.matches() && named.group(1).equals("server name")) {
                    serverName = named.group(2);
                } else if (!part.equals("server name the route's hostname")) {
                    notUnderstood.add(part);
                    return null;
                }
            }
            return new Exchange.StreamEcho(serverName);
        }
        if (cell.equals("UDP echo datagram")) {
            return new Exchange.DatagramEcho();
        }
        Matcher method = GRPC_CALL.matcher(parts.getFirst());
        if (method.matches()) {
            String authority = "";
            List<Map.Entry<String, String>> metadata = List.of();
            for (String part : parts.subList(1, parts.size())) {
                Matcher named = NAMED.matcher(part);
                if (named.matches() && named.group(1).equals("authority")) {
                    authority = named.group(2);
                } else if (part.startsWith("metadata ")) {
                    metadata = headers(part);
                } else {
                    notUnderstood.add(part);
                    return null;
                }
            }
            return new Exchange.GrpcCall(method.group(1), authority, metadata);
        }
        return request(cell, parts, notUnderstood);
    }

    private static @Nullable Request request(String cell, List<String> parts, List<String> notUnderstood) {
        Matcher line = REQUEST_LINE.matcher(parts.getFirst());
        if (!line.matches()) {
            notUnderstood.add(cell);
            return null;
        }
        String host = "";
        String serverName = "";
        String protocol = "";
        String clientCertificate = "";
        boolean known = true;
        List<Map.Entry<String, String>> headers = new ArrayList<>();
        for (String part : parts.subList(1, parts.size())) {
            Matcher named = NAMED.matcher(part);
            Matcher asked = ASKED_HEADERS.matcher(part);
            Matcher told = HEADERS.matcher(part);
            Matcher version = PROTOCOL.matcher(part);
            Matcher certificate = CLIENT_CERTIFICATE.matcher(part);
            if (named.matches() && named.group(1).equals("host")) {
                host = named.group(2);
            } else if (named.matches() && List.of("SNI", "server name").contains(named.group(1))) {
                serverName = named.group(2);
            } else if (version.matches()) {
                protocol = version.group(1);
            } else if (certificate.matches()) {
                clientCertificate = certificate.group(1);
            } else if (asked.matches()) {
                String value = headers(asked.group(1)).stream()
                        .map(header -> header.getKey() + ":" + header.getValue())
                        .collect(Collectors.joining(","));
                headers.add(Map.entry(ECHO_SET_HEADER, value));
            } else if (told.matches()) {
                headers.addAll(headers(told.group(1)));
            } else if (!part.equals("redirects not followed")) {
                notUnderstood.add(part);
                known = false;
            }
        }
        return known
                ? new Request(line.group(1), line.group(2), host, headers, serverName, protocol, clientCertificate)
                : null;
    }

    private static Expectation expectation(String cell, List<String> notUnderstood) {
        Outcome outcome = new Exchange.Status(List.of(200));
        String servedBy = "";
        String servedIn = "";
        Map<String, String> seen = Map.of();
        Map<String, String> seenHeaders = Map.of();
        List<String> unseen = List.of();
        Redirect redirect = null;
        Map<String, String> responseHeaders = Map.of();
        List<String> absent = List.of();
        List<Mirror> mirrors = List.of();
        String service = "";
        Boolean backendTls = null;
        String grpcStatus = "";
        for (String part : sentences(cell)) {
            Matcher status = STATUS.matcher(part);
            Matcher but = ANY_STATUS_BUT.matcher(part);
            Matcher served = SERVED_BY.matcher(part);
            Matcher copies = MIRRORS.matcher(part);
            Matcher grpc = GRPC_STATUS.matcher(part);
            Matcher names = SERVICE.matcher(part);
            if (grpc.matches()) {
                grpcStatus = grpc.group(1);
            } else if (names.matches()) {
                service = names.group(1);
                servedIn = names.group(2);
            } else if (part.startsWith(BACKEND_TLS)) {
                backendTls = part.endsWith("yes");
            } else if (status.matches()) {
                outcome = new Exchange.Status(List.of(status.group(1).split(" or |, ")).stream()
                        .map(Integer::valueOf)
                        .toList());
            } else if (but.matches()) {
                outcome = new Exchange.AnyStatusBut(Integer.parseInt(but.group(1)));
            } else if (part.startsWith("the request fails")) {
                outcome = new Exchange.Refused();
            } else if (served.matches()) {
                servedBy = served.group(1);
                servedIn = served.group(2) == null ? "" : served.group(2);
            } else if (part.startsWith("backend sees ")) {
                seen = named(part.substring("backend sees ".length()), notUnderstood);
                seenHeaders = headersOf(part);
            } else if (part.startsWith("backend must not see header")) {
                unseen = names(part);
            } else if (part.startsWith("redirect to ")) {
                Map<String, String> to = named(part.substring("redirect to ".length()), notUnderstood);
                redirect = new Redirect(
                        to.getOrDefault("scheme", ""),
                        to.getOrDefault("host", ""),
                        to.getOrDefault("port", ""),
                        to.getOrDefault("path", ""));
            } else if (part.startsWith("response headers ")) {
                if (PLAIN_HEADERS.matcher(part).matches()) {
                    responseHeaders = headersOf(part);
                } else {
                    // Such as a choice of values, whose form is not known.
                    notUnderstood.add(part);
                }
            } else if (part.startsWith("response must not carry ")) {
                absent = names(part);
            } else if (copies.matches()) {
                mirrors = A_MIRROR.matcher(copies.group(1))
                        .results()
                        .map(m -> new Mirror(
                                m.group(2), m.group(1), m.group(3) == null ? -1 : Integer.parseInt(m.group(3))))
                        .toList();
            } else {
                notUnderstood.add(part);
            }
        }
        return new Expectation(
                outcome,
                servedBy,
                servedIn,
                seen.getOrDefault("path", ""),
                known(seen.getOrDefault("host", ""), notUnderstood),
                seen.getOrDefault("SNI", ""),
                seenHeaders,
                unseen,
                redirect,
                responseHeaders,
                absent,
                mirrors,
                service,
                backendTls,
                grpcStatus);
    }

    /** The value, or nothing for one that the data did not resolve. */
    private static String known(String value, List<String> notUnderstood) {
        if (value.contains("the case’s ")) {
            notUnderstood.add(value);
            return "";
        }
        return value;
    }

    /** Parts between semicolons; a part that is only quoted belongs to the list of headers before it. */
    private static List<String> sentences(String cell) {
        List<String> sentences = new ArrayList<>();
        for (String part : Texts.split(cell, "; ")) {
            if (part.startsWith("`") && !sentences.isEmpty()) {
                sentences.set(sentences.size() - 1, sentences.getLast() + "; " + part);
            } else {
                sentences.add(part);
            }
        }
        return sentences;
    }

    private static Map<String, String> named(String text, List<String> notUnderstood) {
        Map<String, String> values = new LinkedHashMap<>();
        for (String part : Texts.split(text, ", ")) {
            Matcher named = NAMED.matcher(part);
            if (named.matches()) {
                values.put(named.group(1), named.group(2));
            } else if (!part.startsWith("header")) {
                notUnderstood.add(part);
            }
        }
        return values;
    }

    private static Map<String, String> headersOf(String text) {
        int start = text.indexOf("headers ");
        Map<String, String> values = new LinkedHashMap<>();
        if (start >= 0) {
            headers(text.substring(start)).forEach(header -> values.put(header.getKey(), header.getValue()));
        }
        return values;
    }

    /** Headers, each quoted. */
    private static List<Map.Entry<String, String>> headers(String text) {
        return QUOTED.matcher(text)
                .results()
                .map(match -> match.group(1))
                .map(header -> {
                    int colon = header.indexOf(':');
                    return colon < 0
                            ? Map.entry(header, "")
                            : Map.entry(
                                    header.substring(0, colon),
                                    header.substring(colon + 1).strip());
                })
                .toList();
    }

    /** Names at the end of a text, separated by commas, quoted or not. */
    private static List<String> names(String text) {
        Matcher names =
                Pattern.compile("[A-Za-z0-9_`-]+(?:, [A-Za-z0-9_`-]+)*$").matcher(text);
        return names.find() ? List.of(names.group().replace("`", "").split(", ")) : List.of();
    }
}
