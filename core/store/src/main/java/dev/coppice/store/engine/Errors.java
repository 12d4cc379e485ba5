package dev.coppice.store.engine;

import dev.coppice.store.StoreException;
import io.grpc.Status.Code;

/**
 * The errors of etcd's API, with its codes and texts: clients recognise them by both.
 *
 * @see <a href="https://pkg.go.dev/go.etcd.io/etcd/api/v3/v3rpc/rpctypes">rpctypes</a>
 */
public final class Errors {
    private Errors() {}

    private static StoreException invalid(String text) {
        return new StoreException(Code.INVALID_ARGUMENT, text);
    }

    private static StoreException precondition(String text) {
        return new StoreException(Code.FAILED_PRECONDITION, text);
    }

    public static StoreException emptyKey() {
        return invalid("etcdserver: key is not provided");
    }

    public static StoreException keyNotFound() {
        return invalid("etcdserver: key not found");
    }

    public static StoreException valueProvided() {
        return invalid("etcdserver: value is provided");
    }

    public static StoreException leaseProvided() {
        return invalid("etcdserver: lease is provided");
    }

    public static StoreException tooManyOperations() {
        return invalid("etcdserver: too many operations in txn request");
    }

    public static StoreException duplicateKey() {
        return invalid("etcdserver: duplicate key given in txn request");
    }

    public static StoreException invalidSortOption() {
        return invalid("etcdserver: invalid sort option");
    }

    public static StoreException compacted() {
        return new StoreException(Code.OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted");
    }

    public static StoreException futureRevision() {
        return new StoreException(Code.OUT_OF_RANGE, "etcdserver: mvcc: required revision is a future revision");
    }

    public static StoreException noSpace() {
        return new StoreException(Code.RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded");
    }

    public static StoreException requestTooLarge() {
        return invalid("etcdserver: request is too large");
    }

    public static StoreException tooManyRequests() {
        return new StoreException(Code.RESOURCE_EXHAUSTED, "etcdserver: too many requests");
    }

    public static StoreException leaseNotFound() {
        return new StoreException(Code.NOT_FOUND, "etcdserver: requested lease not found");
    }

    public static StoreException leaseExists() {
        return precondition("etcdserver: lease already exists");
    }

    public static StoreException leaseTtlTooLarge() {
        return new StoreException(Code.OUT_OF_RANGE, "etcdserver: too large lease TTL");
    }

    public static StoreException noLeader() {
        return new StoreException(Code.UNAVAILABLE, "etcdserver: no leader");
    }

    public static StoreException stopped() {
        return new StoreException(Code.UNAVAILABLE, "etcdserver: server stopped");
    }

    public static StoreException timeout() {
        return new StoreException(Code.UNAVAILABLE, "etcdserver: request timed out");
    }

    public static StoreException memberNotFound() {
        return new StoreException(Code.NOT_FOUND, "etcdserver: member not found");
    }

    public static StoreException memberExists() {
        return precondition("etcdserver: member ID already exist");
    }

    public static StoreException memberRemoved() {
        return new StoreException(
                Code.UNAVAILABLE, "etcdserver: the member has been permanently removed from the cluster");
    }

    public static StoreException peerUrlExists() {
        return precondition("etcdserver: Peer URLs already exists");
    }

    public static StoreException badPeerUrls() {
        return invalid("etcdserver: given member URLs are invalid");
    }

    /** Without a code of its own, as etcd's. */
    public static StoreException notEnoughStarted() {
        return new StoreException(
                Code.UNKNOWN, "etcdserver: re-configuration failed due to not enough started members");
    }

    public static StoreException unhealthyCluster() {
        return new StoreException(Code.UNAVAILABLE, "etcdserver: unhealthy cluster");
    }

    public static StoreException tooManyLearners() {
        return precondition("etcdserver: too many learner members in cluster");
    }

    public static StoreException memberNotLearner() {
        return precondition("etcdserver: can only promote a learner member");
    }

    public static StoreException learnerNotReady() {
        return precondition("etcdserver: can only promote a learner member which is in sync with leader");
    }

    public static StoreException notLeader() {
        return precondition("etcdserver: not leader");
    }

    public static StoreException badTransferee() {
        return precondition("etcdserver: bad leader transferee");
    }

    /** The leader went away while a write was on its way: it may or may not have happened. */
    public static StoreException timeoutByLeader() {
        return new StoreException(
                Code.UNAVAILABLE, "etcdserver: request timed out, possibly due to previous leader failure");
    }

    public static StoreException joinRefused(String why) {
        return new StoreException(Code.PERMISSION_DENIED, why);
    }

    public static StoreException rootUserMissing() {
        return precondition("etcdserver: root user does not exist");
    }

    public static StoreException rootRoleMissing() {
        return precondition("etcdserver: root user does not have root role");
    }

    public static StoreException userExists() {
        return precondition("etcdserver: user name already exists");
    }

    public static StoreException userEmpty() {
        return invalid("etcdserver: user name is empty");
    }

    public static StoreException userNotFound() {
        return precondition("etcdserver: user name not found");
    }

    public static StoreException roleExists() {
        return precondition("etcdserver: role name already exists");
    }

    public static StoreException roleEmpty() {
        return invalid("etcdserver: role name is empty");
    }

    public static StoreException roleNotFound() {
        return precondition("etcdserver: role name not found");
    }

    public static StoreException roleNotGranted() {
        return precondition("etcdserver: role is not granted to the user");
    }

    public static StoreException permissionNotGiven() {
        return invalid("etcdserver: permission not given");
    }

    public static StoreException permissionNotGranted() {
        return precondition("etcdserver: permission is not granted to the role");
    }

    public static StoreException authenticationFailed() {
        return invalid("etcdserver: authentication failed, invalid user ID or password");
    }

    public static StoreException authenticationDisabled() {
        return precondition("etcdserver: authentication is not enabled");
    }

    public static StoreException noPasswordUser() {
        // etcd has no code for it, and then gives its own words (3.4 to 3.7).
        return new StoreException(Code.UNKNOWN, "auth: authentication failed, password was given for no password user");
    }

    public static StoreException invalidAuthManagement() {
        return invalid("etcdserver: invalid auth management");
    }

    public static StoreException invalidToken() {
        return new StoreException(Code.UNAUTHENTICATED, "etcdserver: invalid auth token");
    }

    /** Users or roles have changed since the sender was found to be permitted. */
    public static StoreException oldAuthRevision() {
        return invalid("etcdserver: revision of auth store is old");
    }

    public static StoreException permissionDenied() {
        return new StoreException(Code.PERMISSION_DENIED, "etcdserver: permission denied");
    }
}
