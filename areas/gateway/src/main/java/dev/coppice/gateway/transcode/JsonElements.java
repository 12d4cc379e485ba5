package dev.coppice.gateway.transcode;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Cuts a body that streams messages into their JSON: the elements of one array, or one value after the other, such as lines (newline-delimited JSON). What is
 * cut out may still be no JSON; nothing that is JSON is cut elsewhere than between two messages. Not safe for use by many threads.
 */
public final class JsonElements {
    private enum State {
        /** Nothing has come. */
        START,
        /** Of an array: a message, or its end. */
        FIRST,
        /** Of an array: a message. */
        NEXT,
        /** Within a message. */
        MESSAGE,
        /** Of an array: a comma, or its end. */
        AFTER,
        /** Nothing may come but blanks. */
        END
    }

    private final int most;
    private boolean array;
    private State state;
    private final ByteArrayOutputStream message = new ByteArrayOutputStream();
    private int depth;
    private boolean text;
    private boolean escaped;
    private long count;

    /**
     * Begins.
     *
     * @param most bytes of a message
     * @param values it is no array, however it begins
     */
    public JsonElements(int most, boolean values) {
        this.most = most;
        this.state = values ? State.FIRST : State.START;
    }

    /**
     * Takes a part of the body.
     *
     * @return the messages that are complete now
     */
    public List<byte[]> read(byte[] part) throws RequestException {
        List<byte[]> all = new ArrayList<>();
        for (byte each : part) {
            take(each, all);
        }
        return all;
    }

    /**
     * The body is over.
     *
     * @return the messages that are complete by that
     */
    public List<byte[]> end() throws RequestException {
        List<byte[]> all = new ArrayList<>();
        if (state == State.MESSAGE && !array && depth == 0 && !text) {
            complete(all);
        }
        if (state == State.MESSAGE) {
            throw new RequestException("the body ends in the middle of message " + (count + 1));
        }
        if (array && state != State.END) {
            throw new RequestException("the body ends before its array does, after message " + count);
        }
        return all;
    }

    private void take(byte each, List<byte[]> all) throws RequestException {
        if (state == State.MESSAGE) {
            within(each, all);
        } else if (!blank(each)) {
            between(each, all);
        }
    }

    private static boolean blank(byte each) {
        return each == ' ' || each == '\n' || each == '\r' || each == '\t';
    }

    private void between(byte each, List<byte[]> all) throws RequestException {
        switch (state) {
            case START -> {
                if (each == '[') {
                    array = true;
                    state = State.FIRST;
                } else {
                    begin(each, all);
                }
            }
            case FIRST, NEXT -> {
                if (array && each == ']' && state == State.FIRST) {
                    state = State.END;
                } else if (array && (each == ',' || each == ']')) {
                    throw new RequestException("expected message " + (count + 1) + ", and not " + (char) each);
                } else {
                    begin(each, all);
                }
            }
            case AFTER -> {
                if (each != ',' && each != ']') {
                    throw new RequestException("expected , or ] after message " + count);
                }
                state = each == ',' ? State.NEXT : State.END;
            }
            case END -> throw new RequestException("something follows the array of " + count + " messages");
            case MESSAGE -> throw new IllegalStateException("it is between no messages");
        }
    }

    private void begin(byte first, List<byte[]> all) throws RequestException {
        state = State.MESSAGE;
        within(first, all);
    }

    private void within(byte each, List<byte[]> all) throws RequestException {
        if (text) {
            add(each);
            if (escaped) {
                escaped = false;
            } else if (each == '\\') {
                escaped = true;
            } else if (each == '"') {
                text = false;
                completeAtTop(all);
            }
            return;
        }
        if (depth == 0 && (blank(each) || array && (each == ',' || each == ']'))) {
            // A number or a word, which nothing else ends.
            complete(all);
            if (!blank(each)) {
                between(each, all);
            }
            return;
        }
        add(each);
        switch (each) {
            case '"' -> text = true;
            case '{', '[' -> depth++;
            case '}', ']' -> {
                depth = Math.max(0, depth - 1);
                completeAtTop(all);
            }
            default -> {}
        }
    }

    private void add(byte each) throws RequestException {
        if (message.size() == most) {
            throw new RequestException("message " + (count + 1) + " has more than " + most + " bytes");
        }
        message.write(each);
    }

    private void completeAtTop(List<byte[]> all) {
        if (depth == 0) {
            complete(all);
        }
    }

    private void complete(List<byte[]> all) {
        all.add(message.toByteArray());
        message.reset();
        count++;
        state = array ? State.AFTER : State.FIRST;
    }
}
