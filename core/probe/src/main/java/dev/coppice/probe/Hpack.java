package dev.coppice.probe;

import java.io.ByteArrayOutputStream;
import java.net.ProtocolException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Header compression for HTTP/2 (RFC 7541) with a dynamic table of size 0, which is what this client announces: it writes
 * literals only and reads static references, literals and Huffman codes. Stateless, safe for use by many threads.
 */
final class Hpack {
    private static final int FIELDS_MAX = 200;
    private static final int LISTED_BYTES_MAX = 32 << 10;

    /** Appendix A. */
    private static final String[] STATIC = {
        "",
        ":authority|",
        ":method|GET",
        ":method|POST",
        ":path|/",
        ":path|/index.html",
        ":scheme|http",
        ":scheme|https",
        ":status|200",
        ":status|204",
        ":status|206",
        ":status|304",
        ":status|400",
        ":status|404",
        ":status|500",
        "accept-charset|",
        "accept-encoding|gzip, deflate",
        "accept-language|",
        "accept-ranges|",
        "accept|",
        "access-control-allow-origin|",
        "age|",
        "allow|",
        "authorization|",
        "cache-control|",
        "content-disposition|",
        "content-encoding|",
        "content-language|",
        "content-length|",
        "content-location|",
        "content-range|",
        "content-type|",
        "cookie|",
        "date|",
        "etag|",
        "expect|",
        "expires|",
        "from|",
        "host|",
        "if-match|",
        "if-modified-since|",
        "if-none-match|",
        "if-range|",
        "if-unmodified-since|",
        "last-modified|",
        "link|",
        "location|",
        "max-forwards|",
        "proxy-authenticate|",
        "proxy-authorization|",
        "range|",
        "referer|",
        "refresh|",
        "retry-after|",
        "server|",
        "set-cookie|",
        "strict-transport-security|",
        "transfer-encoding|",
        "user-agent|",
        "vary|",
        "via|",
        "www-authenticate|"
    };

    /** Appendix B: the length of each symbol's code, as a letter from A (5 bits); the code is canonical. */
    private static final String CODE_LENGTHS =
            "ISXXXXXXXTZXXZXXXXXXXXZXXXXXXXXXBFFHIBDGFFDGDBBBAAABBBBBBBCDKBHFIBCCCCCCCCCC"
                    + "CCCCCCCCCCCCDCDIOIJBKABABABBBACCBBBABCBAABCCCCCKGJIXPRPPRRRSRSSSSSTSTTRSTSSSSQRSRSSTRQPRRSSQSRRTQRSSQQRQSR"
                    + "SSPRRRSRRSVVPORSRUVVVWWVTUOQVWWVWTQQVVXWWWPTPQRQQSRRUUTTVSVWVVWWWWWXWWWWWVZ";

    private static final int SHORTEST = 5;
    private static final int LONGEST = 30;
    private static final int END = 256;

    /** Decoding tables of the canonical code, made at first use. */
    private static final class Codes {
        static final int[] FIRST = new int[LONGEST + 2];
        static final int[] OFFSET = new int[LONGEST + 2];
        static final int[] COUNT = new int[LONGEST + 2];
        static final int[] SYMBOLS = new int[CODE_LENGTHS.length()];

        static {
            int code = 0;
            int next = 0;
            for (int length = SHORTEST; length <= LONGEST; length++) {
                FIRST[length] = code;
                OFFSET[length] = next;
                for (int symbol = 0; symbol < CODE_LENGTHS.length(); symbol++) {
                    if (CODE_LENGTHS.charAt(symbol) - 'A' + SHORTEST == length) {
                        SYMBOLS[next++] = symbol;
                        COUNT[length]++;
                    }
                }
                code = (code + COUNT[length]) << 1;
            }
        }
    }

    private Hpack() {}

    /** A header block of literals that nobody may index. */
    static byte[] encode(List<Map.Entry<String, String>> headers) {
        var out = new ByteArrayOutputStream(256);
        for (var header : headers) {
            out.write(0x10);
            text(header.getKey(), out);
            text(header.getValue(), out);
        }
        return out.toByteArray();
    }

    private static void text(String text, ByteArrayOutputStream out) {
        var bytes = text.getBytes(StandardCharsets.UTF_8);
        int length = bytes.length;
        if (length < 127) {
            out.write(length);
        } else {
            out.write(127);
            length -= 127;
            while (length >= 128) {
                out.write(length & 127 | 128);
                length >>= 7;
            }
            out.write(length);
        }
        out.writeBytes(bytes);
    }

    /** The fields of a header block, in order; names are as sent. */
    static List<Map.Entry<String, String>> decode(byte[] block) throws ProtocolException {
        return new Decoder(block).fields();
    }

    private static final class Decoder {
        private final byte[] block;
        private int at;

        Decoder(byte[] block) {
            this.block = block;
        }

        List<Map.Entry<String, String>> fields() throws ProtocolException {
            var fields = new ArrayList<Map.Entry<String, String>>();
            int listed = 0;
            while (at < block.length) {
                int first = block[at] & 0xff;
                if ((first & 0xe0) == 0x20) {
                    if (integer(5) != 0) {
                        throw new ProtocolException("the server uses a header table larger than agreed");
                    }
                    continue;
                }
                var field = (first & 0x80) != 0
                        ? indexed(integer(7))
                        : literal((first & 0x40) != 0 ? integer(6) : integer(4));
                listed += field.getKey().length() + field.getValue().length() + 32;
                if (fields.size() == FIELDS_MAX || listed > LISTED_BYTES_MAX) {
                    throw new ProtocolException(
                            "the header is larger than " + LISTED_BYTES_MAX + " bytes or " + FIELDS_MAX + " fields");
                }
                fields.add(field);
            }
            return fields;
        }

        private static Map.Entry<String, String> indexed(int index) throws ProtocolException {
            if (index == 0 || index >= STATIC.length) {
                throw new ProtocolException("the server refers to a header that it never sent");
            }
            int bar = STATIC[index].indexOf('|');
            return Map.entry(STATIC[index].substring(0, bar), STATIC[index].substring(bar + 1));
        }

        private Map.Entry<String, String> literal(int index) throws ProtocolException {
            var name = index == 0 ? text() : indexed(index).getKey();
            return Map.entry(name, text());
        }

        private int octet() throws ProtocolException {
            if (at == block.length) {
                throw new ProtocolException("a header block ends early");
            }
            return block[at++] & 0xff;
        }

        private int integer(int prefixBits) throws ProtocolException {
            int most = (1 << prefixBits) - 1;
            int value = octet() & most;
            if (value < most) {
                return value;
            }
            for (int shift = 0; shift <= 21; shift += 7) {
                int octet = octet();
                value += (octet & 127) << shift;
                if (octet < 128) {
                    return value;
                }
            }
            throw new ProtocolException("a header block has a number that is too large");
        }

        private String text() throws ProtocolException {
            boolean packed = at < block.length && (block[at] & 0x80) != 0;
            int length = integer(7);
            if (length > block.length - at) {
                throw new ProtocolException("a header block ends early");
            }
            int start = at;
            at += length;
            return packed ? unpack(start, at) : new String(block, start, length, StandardCharsets.ISO_8859_1);
        }

        private String unpack(int start, int end) throws ProtocolException {
            var out = new StringBuilder();
            int code = 0;
            int length = 0;
            for (int i = start; i < end; i++) {
                for (int bit = 7; bit >= 0; bit--) {
                    code = code << 1 | block[i] >> bit & 1;
                    length++;
                    int symbol = symbol(code, length);
                    if (symbol == END || length > LONGEST) {
                        throw new ProtocolException("a header has a wrong Huffman code");
                    }
                    if (symbol >= 0) {
                        out.append((char) symbol);
                        code = 0;
                        length = 0;
                    }
                }
            }
            if (length > 7 || code != (1 << length) - 1) {
                throw new ProtocolException("a header's Huffman code has wrong padding");
            }
            return out.toString();
        }

        private static int symbol(int code, int length) {
            if (length < SHORTEST || length > LONGEST) {
                return -1;
            }
            int index = code - Codes.FIRST[length];
            return index >= 0 && index < Codes.COUNT[length] ? Codes.SYMBOLS[Codes.OFFSET[length] + index] : -1;
        }
    }
}
