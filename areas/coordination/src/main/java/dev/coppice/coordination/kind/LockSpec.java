package dev.coppice.coordination.kind;

import dev.coppice.schema.Description;
import org.jspecify.annotations.Nullable;

/** What is locked. */
@Description("What is locked. It is decided by those who contend for it, and cannot be changed here.")
public record LockSpec(
        @Description("The name of the lock, as those who contend for it know it.")
        String name,

        @Description("Lock, ReadWrite, Semaphore or Barrier.")
        String sort,

        @Description("Semaphores: how many may hold it at a time. Barriers: how many meet there.") @Nullable
        Integer permits) {}
