package dev.coppice.coordination.contention;

import com.google.protobuf.ByteString;
import java.time.Instant;
import java.util.List;

/**
 * A contender and how it stands.
 *
 * @param holds whether it has what it contends for
 * @param since when it began to hold, or to wait
 * @param exact false when it began before this node looked: then it is older than {@code since} says
 * @param before the keys that it waits for, in their order; its turn comes when fewer than its permits are left
 */
public record Standing(Contender contender, boolean holds, Instant since, boolean exact, List<ByteString> before) {}
