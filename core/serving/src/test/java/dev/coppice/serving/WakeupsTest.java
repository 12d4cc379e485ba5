package dev.coppice.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoRegistration;
import io.netty.util.concurrent.ThreadAwareExecutor;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class WakeupsTest {
    private int woken;
    private final IoHandler handler = Wakeups.over(_ -> new Counting()).newHandler(new ImmediateThread());

    private final class Counting implements IoHandler {
        @Override
        public int run(IoHandlerContext context) {
            return 0;
        }

        @Override
        public IoRegistration register(IoHandle handle) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void wakeup() {
            woken++;
        }

        @Override
        public boolean isCompatible(Class<? extends IoHandle> type) {
            return true;
        }
    }

    private static final class ImmediateThread implements ThreadAwareExecutor {
        @Override
        public boolean isExecutorThread(Thread thread) {
            return true;
        }

        @Override
        public void execute(Runnable command) {
            command.run();
        }
    }

    @Test
    @DisplayName("an I/O thread is woken at once, and once at the end where many answers are given together")
    void together() {
        handler.wakeup();
        assertThat(woken).isOne();
        Wakeups.together(() -> {
            handler.wakeup();
            Wakeups.together(handler::wakeup);
            handler.wakeup();
            assertThat(woken).isOne();
        });
        assertThat(woken).isEqualTo(2);
        handler.wakeup();
        assertThat(woken).isEqualTo(3);
    }

    @Test
    @DisplayName("it is woken also when giving the answers fails")
    void failing() {
        assertThatThrownBy(() -> Wakeups.together(() -> {
                    handler.wakeup();
                    throw new IllegalStateException("broken");
                }))
                .hasMessage("broken");
        assertThat(woken).isOne();
    }
}
