package dev.coppice.distribution;

/** What a process of another node threw, in words; its stack is in that node's log. */
public final class RemoteCrashException extends RuntimeException {
    RemoteCrashException(String text) {
        super(text, null, false, false);
    }
}
