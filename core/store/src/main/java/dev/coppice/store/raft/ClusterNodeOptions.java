package dev.coppice.store.raft;

import com.alipay.sofa.jraft.option.NodeOptions;
import org.jspecify.annotations.Nullable;

/** The library's options, with the way to the other members: the library hands them to {@link PeerRpcClient}. */
final class ClusterNodeOptions extends NodeOptions {

    private final @Nullable PeerTransport transport;
    private final Progress progress;

    ClusterNodeOptions(@Nullable PeerTransport transport, Progress progress) {
        this.transport = transport;
        this.progress = progress;
    }

    @Nullable
    PeerTransport transport() {
        return transport;
    }

    Progress progress() {
        return progress;
    }
}
