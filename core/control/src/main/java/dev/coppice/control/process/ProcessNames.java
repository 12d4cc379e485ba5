package dev.coppice.control.process;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Turns paths of the supervision tree into names of resources and back: {@code /control/watch-feed} is
 * {@code control.watch-feed}. Names consist of a to z, 0 to 9, {@code -} and {@code .} as Kubernetes' names do; any other byte
 * of the path's UTF-8, and a dash at either end of a step, is {@code z} and two hexadecimal digits ({@code #17} is
 * {@code z2317}); the letter z is {@code zz}. No two paths have the same name.
 */
public final class ProcessNames {
    private static final String HEX = "0123456789abcdef";

    private ProcessNames() {}

    /** The name for a path such as {@code /control/watch-feed}. */
    public static String name(String path) {
        StringBuilder name = new StringBuilder(path.length() + 8);
        byte[] bytes = path.getBytes(StandardCharsets.UTF_8);
        for (int i = bytes[0] == '/' ? 1 : 0; i < bytes.length; i++) {
            int at = bytes[i] & 0xff;
            boolean edge = i == 0 || bytes[i - 1] == '/' || i == bytes.length - 1 || bytes[i + 1] == '/';
            if (at == '/') {
                name.append('.');
            } else if (at == 'z') {
                name.append("zz");
            } else if (at >= 'a' && at < 'z' || at >= '0' && at <= '9' || at == '-' && !edge) {
                name.append((char) at);
            } else {
                name.append('z').append(HEX.charAt(at >> 4)).append(HEX.charAt(at & 15));
            }
        }
        return name.toString();
    }

    /** The path of a name; empty when no path has that name. */
    public static Optional<String> path(String name) {
        ByteBuffer bytes = ByteBuffer.allocate(name.length() + 1).put((byte) '/');
        int i = 0;
        while (i < name.length()) {
            char at = name.charAt(i++);
            if (at == '.') {
                bytes.put((byte) '/');
            } else if (at != 'z') {
                if (at > 127) {
                    return Optional.empty();
                }
                bytes.put((byte) at);
            } else if (i < name.length() && name.charAt(i) == 'z') {
                bytes.put((byte) 'z');
                i++;
            } else if (i + 1 < name.length()
                    && HEX.indexOf(name.charAt(i)) >= 0
                    && HEX.indexOf(name.charAt(i + 1)) >= 0) {
                bytes.put((byte) (HEX.indexOf(name.charAt(i)) << 4 | HEX.indexOf(name.charAt(i + 1))));
                i += 2;
            } else {
                return Optional.empty();
            }
        }
        try {
            String path =
                    StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString();
            return name(path).equals(name) ? Optional.of(path) : Optional.empty();
        } catch (CharacterCodingException e) {
            return Optional.empty();
        }
    }
}
