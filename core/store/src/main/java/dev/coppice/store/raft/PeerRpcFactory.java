package dev.coppice.store.raft;

import com.alipay.sofa.jraft.rpc.RaftRpcFactory;
import com.alipay.sofa.jraft.rpc.RpcClient;
import com.alipay.sofa.jraft.rpc.RpcResponseFactory;
import com.alipay.sofa.jraft.rpc.RpcServer;
import com.alipay.sofa.jraft.util.Endpoint;
import com.alipay.sofa.jraft.util.SPI;
import org.jspecify.annotations.Nullable;

/**
 * Puts the store's own transport in the place of the library's, which deserialises Java objects from the wire and is not on
 * the class path. What comes in is served by {@link PeerServices}. Found by {@link java.util.ServiceLoader}.
 */
@SPI(name = "coppice", priority = 100)
public final class PeerRpcFactory implements RaftRpcFactory {

    private final RpcResponseFactory answers = new ErrorAnswers();

    /** Made by the service loader. */
    public PeerRpcFactory() {}

    @Override
    public void registerProtobufSerializer(String className, Object... arguments) {}

    @Override
    public RpcClient createRpcClient(@Nullable ConfigHelper<RpcClient> helper) {
        return new PeerRpcClient();
    }

    @Override
    public RpcResponseFactory getRpcResponseFactory() {
        return answers;
    }

    @Override
    public RpcServer createRpcServer(Endpoint endpoint, @Nullable ConfigHelper<RpcServer> helper) {
        throw new UnsupportedOperationException("peers are served by the store's own listener");
    }
}
