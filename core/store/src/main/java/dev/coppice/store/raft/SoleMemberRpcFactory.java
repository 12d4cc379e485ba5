package dev.coppice.store.raft;

import com.alipay.sofa.jraft.ReplicatorGroup;
import com.alipay.sofa.jraft.error.RemotingException;
import com.alipay.sofa.jraft.option.RpcOptions;
import com.alipay.sofa.jraft.rpc.InvokeCallback;
import com.alipay.sofa.jraft.rpc.InvokeContext;
import com.alipay.sofa.jraft.rpc.RaftRpcFactory;
import com.alipay.sofa.jraft.rpc.RpcClient;
import com.alipay.sofa.jraft.rpc.RpcServer;
import com.alipay.sofa.jraft.util.Endpoint;
import com.alipay.sofa.jraft.util.SPI;
import org.jspecify.annotations.Nullable;

/**
 * The peer transport of a member that is alone: it reaches nobody and listens nowhere. The library's own transport, which
 * deserialises what any local user sends it, is not on the class path. Found by {@link java.util.ServiceLoader}.
 */
@SPI(name = "coppice", priority = 100)
public final class SoleMemberRpcFactory implements RaftRpcFactory {

    /** Made by the service loader. */
    public SoleMemberRpcFactory() {}

    @Override
    public void registerProtobufSerializer(String className, Object... arguments) {}

    @Override
    public RpcClient createRpcClient(@Nullable ConfigHelper<RpcClient> helper) {
        return new Nobody();
    }

    @Override
    public RpcServer createRpcServer(Endpoint endpoint, @Nullable ConfigHelper<RpcServer> helper) {
        throw new UnsupportedOperationException("a member that is alone serves no peers");
    }

    private static final class Nobody implements RpcClient {

        @Override
        public boolean init(RpcOptions options) {
            return true;
        }

        @Override
        public void shutdown() {}

        @Override
        public boolean checkConnection(Endpoint endpoint) {
            return false;
        }

        @Override
        public boolean checkConnection(Endpoint endpoint, boolean createIfAbsent) {
            return false;
        }

        @Override
        public void closeConnection(Endpoint endpoint) {}

        @Override
        public void registerConnectEventListener(ReplicatorGroup group) {}

        @Override
        public Object invokeSync(Endpoint endpoint, Object request, InvokeContext context, long timeoutMillis)
                throws RemotingException {
            throw new RemotingException("there is no peer " + endpoint);
        }

        @Override
        public void invokeAsync(
                Endpoint endpoint, Object request, InvokeContext context, InvokeCallback callback, long timeoutMillis)
                throws RemotingException {
            throw new RemotingException("there is no peer " + endpoint);
        }
    }
}
