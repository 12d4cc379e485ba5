package dev.coppice.store.etcd;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.coppice.kernel.Kernel;
import dev.coppice.store.MemberKeyspace;
import dev.coppice.store.StoreException;
import dev.coppice.store.api.Compare;
import dev.coppice.store.api.PutRequest;
import dev.coppice.store.api.RequestOp;
import dev.coppice.store.api.TxnRequest;
import dev.coppice.store.api.User;
import dev.coppice.store.engine.AuthState;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.engine.SignIns;
import dev.coppice.store.log.Command;
import dev.coppice.store.log.IssueToken;
import io.grpc.Status.Code;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import org.jspecify.annotations.Nullable;

/** Finds out who a caller is, and says what it may do. Safe for use by many threads. */
final class Gate {

    private static final int MAX_CHECKS = 5;
    private static final int MAX_KNOWN_CERTIFICATES = 1000;

    private final MemberKeyspace keyspace;
    private final EtcdPolicy policy;
    private final Tokens tokens;

    /** Whether a certificate is an administrator's, which takes some time to find out. */
    private final Map<X509Certificate, Boolean> administrators = new ConcurrentHashMap<>();

    Gate(MemberKeyspace keyspace, EtcdPolicy policy) {
        this.keyspace = keyspace;
        this.policy = policy;
        Kernel kernel = keyspace.store().kernel();
        this.tokens = switch (policy.tokens()) {
            case TokenOptions.Simple simple ->
                new SimpleTokens(new ReplicatedLedger(keyspace), kernel.clock(), kernel.secureRandom(), simple.ttl());
            case TokenOptions.Signed signed -> SignedTokens.open(kernel.clock(), signed);
        };
    }

    private record ReplicatedLedger(MemberKeyspace keyspace) implements SimpleTokens.Ledger {
        @Override
        public SignIns signIns() {
            return keyspace.space().signIns();
        }

        @Override
        public void issue(IssueToken token) {
            Message unused = keyspace.propose(Command.newBuilder().setIssueToken(token));
        }

        @Override
        public void catchUp() {
            keyspace.store().log().barrier();
        }
    }

    private AuthState auth() {
        return keyspace.space().auth();
    }

    /** Whether a caller may do everything, as far as that is known without waiting. */
    boolean unrestricted(Credentials credentials) {
        return !credentials.certificates().isEmpty()
                        && administrator(credentials.certificates().getFirst())
                || suffices(credentials.certificates()) && keyspace.anybody();
    }

    // ---- who it is

    Caller identify(List<X509Certificate> certificates, @Nullable String token) {
        if (!certificates.isEmpty() && administrator(certificates.getFirst())) {
            return new Caller(AuthState.ROOT, true);
        }
        AuthState auth = auth();
        if (!auth.enabled()) {
            return certificates.isEmpty() || !policy.certificatesSuffice()
                    ? Caller.ANONYMOUS
                    : new Caller(AuthState.ROOT, true);
        }
        if (token != null && !token.isEmpty()) {
            return new Caller(tokens.userOf(token, auth), false);
        }
        String name = certificates.isEmpty() ? null : attribute(certificates.getFirst(), "CN");
        // As in etcd, a name that is no user's is somebody who may do nothing, not nobody.
        return name == null || name.isEmpty() ? Caller.ANONYMOUS : new Caller(name, false);
    }

    /** Whether this is enough while authentication is not enabled. */
    private boolean suffices(List<X509Certificate> certificates) {
        return policy.open() || policy.certificatesSuffice() && !certificates.isEmpty();
    }

    private boolean administrator(X509Certificate certificate) {
        Boolean known = administrators.get(certificate);
        if (known == null) {
            known = namesAdministrators(certificate);
            if (administrators.size() >= MAX_KNOWN_CERTIFICATES) {
                administrators.clear();
            }
            administrators.put(certificate, known);
        }
        return known;
    }

    private boolean namesAdministrators(X509Certificate certificate) {
        try {
            for (Rdn part : new LdapName(certificate.getSubjectX500Principal().getName()).getRdns()) {
                if (part.getType().equalsIgnoreCase("O")
                        && policy.administrators().contains(String.valueOf(part.getValue()))) {
                    return true;
                }
            }
        } catch (InvalidNameException e) {
            return false;
        }
        return false;
    }

    private static @Nullable String attribute(X509Certificate certificate, String type) {
        try {
            for (Rdn part : new LdapName(certificate.getSubjectX500Principal().getName()).getRdns()) {
                if (part.getType().equalsIgnoreCase(type)) {
                    return String.valueOf(part.getValue());
                }
            }
        } catch (InvalidNameException e) {
            return null;
        }
        return null;
    }

    /** Signs a user in and gives a token. */
    String authenticate(String name, String password) {
        AuthState auth = auth();
        if (!auth.enabled()) {
            throw Errors.authenticationDisabled();
        }
        User user = auth.users().get(name);
        if (user == null) {
            throw Errors.authenticationFailed();
        }
        if (user.getOptions().getNoPassword()) {
            throw Errors.noPasswordUser();
        }
        if (!Passwords.matches(password, user.getPassword().toStringUtf8())) {
            throw Errors.authenticationFailed();
        }
        return tokens.give(name, auth);
    }

    // ---- what it may do

    void require(Caller caller, Caller.Access access) {
        if (access == Caller.Access.OPEN || caller.root()) {
            return;
        }
        AuthState auth = auth();
        if (!auth.enabled()) {
            if (!policy.open()) {
                throw new StoreException(
                        Code.UNAUTHENTICATED,
                        "etcdserver: the request shows no client certificate"
                                + (policy.certificatesSuffice()
                                        ? " ("
                                        : " of an administrator (an organization of " + policy.administrators() + "; ")
                                + "signed by an authority that this node trusts); pass --cert, --key and --cacert, or enable authentication and sign in as a user");
            }
            return;
        }
        if (access == Caller.Access.CHECKED) {
            return;
        }
        String user = caller.user();
        if (user == null) {
            throw Errors.userEmpty();
        }
        if (!auth.users().containsKey(user) || access == Caller.Access.ADMINISTRATOR && !auth.administrator(user)) {
            throw Errors.permissionDenied();
        }
    }

    /**
     * Checks and does a write such that nobody's permission is taken away between the two: the write is refused when users or
     * roles have changed meanwhile, and then checked again.
     */
    <A> A checked(Caller caller, Supplier<A> checkAndWrite) {
        for (int attempt = 1; ; attempt++) {
            AuthState auth = auth();
            if (caller.root() || !auth.enabled()) {
                return checkAndWrite.get();
            }
            try {
                return ScopedValue.where(MemberKeyspace.AUTH_REVISION, auth.revision())
                        .call(checkAndWrite::get);
            } catch (StoreException e) {
                boolean old = String.valueOf(e.getMessage())
                        .equals(Errors.oldAuthRevision().getMessage());
                if (!old || attempt == MAX_CHECKS) {
                    throw e;
                }
            }
        }
    }

    void read(Caller caller, ByteString key, ByteString rangeEnd) {
        check(caller, key, rangeEnd, false);
    }

    void write(Caller caller, ByteString key, ByteString rangeEnd) {
        check(caller, key, rangeEnd, true);
    }

    /** Of what etcd tells anybody, users or not: on a port that is open it is told here, too. */
    void requireUserUnlessOpen(Caller caller) {
        if (!policy.open()) {
            require(caller, Caller.Access.KNOWN);
        }
    }

    private void check(Caller caller, ByteString key, ByteString rangeEnd, boolean write) {
        AuthState auth = auth();
        if (caller.root() || !auth.enabled()) {
            return;
        }
        String user = caller.user();
        if (user == null) {
            throw Errors.userEmpty();
        }
        if (!auth.permits(user, key, rangeEnd, write)) {
            throw Errors.permissionDenied();
        }
    }

    boolean itself(Caller caller, String user) {
        return user.equals(caller.user());
    }

    boolean holds(Caller caller, String role) {
        String name = caller.user();
        User user = name == null ? null : auth().users().get(name);
        return user != null && user.getRolesList().contains(role);
    }

    void put(Caller caller, PutRequest request) {
        write(caller, request.getKey(), ByteString.EMPTY);
        if (request.getPrevKv()) {
            read(caller, request.getKey(), ByteString.EMPTY);
        }
        if (request.getLease() != 0) {
            lease(caller, request.getLease(), true);
        }
    }

    /** Ending a lease, or attaching to it, touches every key that is attached to it. */
    void lease(Caller caller, long id, boolean write) {
        if (caller.root() || !auth().enabled()) {
            return;
        }
        for (ByteString key : keyspace.space().reads().leaseKeys(id)) {
            check(caller, key, ByteString.EMPTY, write);
        }
    }

    void txn(Caller caller, TxnRequest request) {
        if (caller.root() || !auth().enabled()) {
            return;
        }
        for (Compare compare : request.getCompareList()) {
            read(caller, compare.getKey(), compare.getRangeEnd());
        }
        for (List<RequestOp> branch : List.of(request.getSuccessList(), request.getFailureList())) {
            for (RequestOp operation : branch) {
                switch (operation.getRequestCase()) {
                    case REQUEST_RANGE ->
                        read(
                                caller,
                                operation.getRequestRange().getKey(),
                                operation.getRequestRange().getRangeEnd());
                    case REQUEST_PUT -> put(caller, operation.getRequestPut());
                    case REQUEST_DELETE_RANGE -> {
                        var deletion = operation.getRequestDeleteRange();
                        write(caller, deletion.getKey(), deletion.getRangeEnd());
                        if (deletion.getPrevKv()) {
                            read(caller, deletion.getKey(), deletion.getRangeEnd());
                        }
                    }
                    case REQUEST_TXN -> txn(caller, operation.getRequestTxn());
                    case REQUEST_NOT_SET -> {}
                }
            }
        }
    }
}
