package dev.coppice.coordination.kind;

import dev.coppice.schema.Description;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** Somebody who holds, or waits. */
@Description("Somebody who holds, or waits.")
public record Party(
        @Description("Its owner, what it proposes, or its lease.")
        String name,

        @Description("The owner that it names, if it does.") @Nullable
        String owner,

        @Description("Its lease, in hexadecimal.") String lease,

        @Description("The key that stands for it in the store.")
        String key,

        @Description("lock, read, write, semaphore, barrier or candidate.")
        String role,

        @Description("The revision that made its key: the fencing token of its grant.")
        long token,

        @Description("Since when it holds, or waits.") Instant since,

        @Description("It was there before this node looked: it is older than since says.") @Nullable
        Boolean older) {}
