package dev.coppice.distribution.codec;

import dev.coppice.kernel.ProcessRef;
import java.util.function.Consumer;

/** How addresses of processes, and functions to answer with, are written and read. Safe for use by many threads. */
public interface References {

    /** For what is kept or copied without a node behind it: there it is an error. */
    References NONE = new References() {
        private MessageException refusal() {
            return new MessageException(
                    "no process and no function to answer with can be written here: expected data only");
        }

        @Override
        public void write(ByteWriter out, ProcessRef<?> process) {
            throw refusal();
        }

        @Override
        public ProcessRef<?> readProcess(ByteReader in) {
            throw refusal();
        }

        @Override
        public void write(ByteWriter out, Consumer<?> answer) {
            throw refusal();
        }

        @Override
        public Consumer<?> readAnswer(ByteReader in) {
            throw refusal();
        }
    };

    void write(ByteWriter out, ProcessRef<?> process);

    ProcessRef<?> readProcess(ByteReader in);

    void write(ByteWriter out, Consumer<?> answer);

    Consumer<?> readAnswer(ByteReader in);
}
