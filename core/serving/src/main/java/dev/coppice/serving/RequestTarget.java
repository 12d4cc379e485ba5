package dev.coppice.serving;

import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A request target taken apart (RFC 9112 section 3.2).
 *
 * @param rawPath as it was sent
 * @param path percent-decoded as UTF-8
 * @param rawQuery as it was sent, without the question mark; may be empty
 */
record RequestTarget(String rawPath, String path, String rawQuery) {
    private static final int MAX_PARAMETERS = 1_000;

    /** The target is malformed: a 400. */
    static final class MalformedException extends Exception {
        MalformedException(String message) {
            super(message);
        }
    }

    static RequestTarget parse(String target) throws MalformedException {
        String rest = target;
        if (!rest.startsWith("/")) {
            int scheme = rest.indexOf("://");
            if (scheme < 0) {
                throw new MalformedException("the request target must be a path that starts with a slash");
            }
            int slash = rest.indexOf('/', scheme + 3);
            rest = slash < 0 ? "/" : rest.substring(slash);
        }
        int fragment = rest.indexOf('#');
        if (fragment >= 0) {
            rest = rest.substring(0, fragment);
        }
        int question = rest.indexOf('?');
        String rawPath = question < 0 ? rest : rest.substring(0, question);
        String path = decode(rawPath, false);
        for (String segment : path.split("/", -1)) {
            if (segment.equals(".") || segment.equals("..")) {
                throw new MalformedException("the path must not have \".\" or \"..\" as a segment");
            }
        }
        if (path.indexOf('\0') >= 0) {
            throw new MalformedException("the path must not contain a NUL character");
        }
        return new RequestTarget(rawPath, path, question < 0 ? "" : rest.substring(question + 1));
    }

    /** The decoded parameters, in order; malformed escapes are kept as they are. */
    Map<String, List<String>> queries() {
        if (rawQuery.isEmpty()) {
            return Map.of();
        }
        Map<String, List<String>> result = new LinkedHashMap<>();
        int count = 0;
        for (String pair : rawQuery.split("&", -1)) {
            if (pair.isEmpty() || ++count > MAX_PARAMETERS) {
                continue;
            }
            int equals = pair.indexOf('=');
            String name = lenient(equals < 0 ? pair : pair.substring(0, equals));
            String value = equals < 0 ? "" : lenient(pair.substring(equals + 1));
            result.computeIfAbsent(name, n -> new ArrayList<>()).add(value);
        }
        result.replaceAll((name, values) -> Collections.unmodifiableList(values));
        return Collections.unmodifiableMap(result);
    }

    private static String lenient(String text) {
        try {
            return decode(text, true);
        } catch (MalformedException e) {
            return text;
        }
    }

    static String decode(String text, boolean plusIsSpace) throws MalformedException {
        if (text.indexOf('%') < 0 && !(plusIsSpace && text.indexOf('+') >= 0)) {
            return text;
        }
        byte[] in = text.getBytes(StandardCharsets.UTF_8);
        byte[] out = new byte[in.length];
        int length = 0;
        for (int i = 0; i < in.length; i++) {
            byte b = in[i];
            if (b == '%') {
                int high = i + 2 <= in.length - 1 ? Character.digit(in[i + 1], 16) : -1;
                int low = i + 2 <= in.length - 1 ? Character.digit(in[i + 2], 16) : -1;
                if (high < 0 || low < 0) {
                    throw new MalformedException("\"%\" must be followed by two hexadecimal digits");
                }
                out[length++] = (byte) (high * 16 + low);
                i += 2;
            } else {
                out[length++] = plusIsSpace && b == '+' ? (byte) ' ' : b;
            }
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(java.nio.ByteBuffer.wrap(out, 0, length))
                    .toString();
        } catch (CharacterCodingException e) {
            throw new MalformedException("percent-encoded bytes must be UTF-8");
        }
    }
}
