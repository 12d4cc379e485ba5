package dev.coppice.store.etcd;

import static dev.coppice.store.etcd.Caller.Access.ADMINISTRATOR;
import static dev.coppice.store.etcd.Caller.Access.KNOWN;
import static dev.coppice.store.etcd.Caller.Access.OPEN;

import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.coppice.store.MemberKeyspace;
import dev.coppice.store.api.AuthDisableRequest;
import dev.coppice.store.api.AuthDisableResponse;
import dev.coppice.store.api.AuthEnableRequest;
import dev.coppice.store.api.AuthEnableResponse;
import dev.coppice.store.api.AuthGrpc;
import dev.coppice.store.api.AuthRoleAddRequest;
import dev.coppice.store.api.AuthRoleAddResponse;
import dev.coppice.store.api.AuthRoleDeleteRequest;
import dev.coppice.store.api.AuthRoleDeleteResponse;
import dev.coppice.store.api.AuthRoleGetRequest;
import dev.coppice.store.api.AuthRoleGetResponse;
import dev.coppice.store.api.AuthRoleGrantPermissionRequest;
import dev.coppice.store.api.AuthRoleGrantPermissionResponse;
import dev.coppice.store.api.AuthRoleListRequest;
import dev.coppice.store.api.AuthRoleListResponse;
import dev.coppice.store.api.AuthRoleRevokePermissionRequest;
import dev.coppice.store.api.AuthRoleRevokePermissionResponse;
import dev.coppice.store.api.AuthStatusRequest;
import dev.coppice.store.api.AuthStatusResponse;
import dev.coppice.store.api.AuthUserAddRequest;
import dev.coppice.store.api.AuthUserAddResponse;
import dev.coppice.store.api.AuthUserChangePasswordRequest;
import dev.coppice.store.api.AuthUserChangePasswordResponse;
import dev.coppice.store.api.AuthUserDeleteRequest;
import dev.coppice.store.api.AuthUserDeleteResponse;
import dev.coppice.store.api.AuthUserGetRequest;
import dev.coppice.store.api.AuthUserGetResponse;
import dev.coppice.store.api.AuthUserGrantRoleRequest;
import dev.coppice.store.api.AuthUserGrantRoleResponse;
import dev.coppice.store.api.AuthUserListRequest;
import dev.coppice.store.api.AuthUserListResponse;
import dev.coppice.store.api.AuthUserRevokeRoleRequest;
import dev.coppice.store.api.AuthUserRevokeRoleResponse;
import dev.coppice.store.api.AuthenticateRequest;
import dev.coppice.store.api.AuthenticateResponse;
import dev.coppice.store.api.Permission;
import dev.coppice.store.api.ResponseHeader;
import dev.coppice.store.api.Role;
import dev.coppice.store.engine.AuthState;
import dev.coppice.store.engine.Errors;
import dev.coppice.store.log.Command;
import java.security.SecureRandom;
import java.util.List;

/** The methods of etcd's service Auth. */
final class AuthMethods {

    private final MemberKeyspace keyspace;
    private final Gate gate;
    private final SecureRandom random;

    private AuthMethods(MemberKeyspace keyspace, Gate gate) {
        this.keyspace = keyspace;
        this.gate = gate;
        this.random = keyspace.store().kernel().secureRandom();
    }

    static List<Method<?, ?>> of(MemberKeyspace keyspace, Gate gate) {
        return new AuthMethods(keyspace, gate).all();
    }

    private ResponseHeader header() {
        return keyspace.space().header(keyspace.revision());
    }

    private AuthState auth() {
        keyspace.store().log().barrier();
        return keyspace.space().auth();
    }

    private <A extends Message> A change(Class<A> answer, Command.Builder command) {
        return answer.cast(keyspace.propose(command));
    }

    private List<Method<?, ?>> all() {
        return List.of(
                new Method<>(
                        AuthGrpc.getAuthEnableMethod(),
                        "/auth/enable",
                        ADMINISTRATOR,
                        AuthEnableRequest.getDefaultInstance(),
                        (caller, request) -> change(
                                AuthEnableResponse.class, Command.newBuilder().setAuthEnable(request))),
                new Method<>(
                        AuthGrpc.getAuthDisableMethod(),
                        "/auth/disable",
                        ADMINISTRATOR,
                        AuthDisableRequest.getDefaultInstance(),
                        (caller, request) -> change(
                                AuthDisableResponse.class, Command.newBuilder().setAuthDisable(request))),
                new Method<>(
                        AuthGrpc.getAuthStatusMethod(),
                        "/auth/status",
                        KNOWN,
                        AuthStatusRequest.getDefaultInstance(),
                        (caller, request) -> AuthStatusResponse.newBuilder()
                                .setHeader(header())
                                .setEnabled(auth().enabled())
                                .setAuthRevision(auth().revision())
                                .build()),
                new Method<>(
                        AuthGrpc.getAuthenticateMethod(),
                        "/auth/authenticate",
                        OPEN,
                        AuthenticateRequest.getDefaultInstance(),
                        (caller, request) -> AuthenticateResponse.newBuilder()
                                .setHeader(header())
                                .setToken(gate.authenticate(request.getName(), request.getPassword()))
                                .build()),
                new Method<>(
                        AuthGrpc.getUserAddMethod(),
                        "/auth/user/add",
                        ADMINISTRATOR,
                        AuthUserAddRequest.getDefaultInstance(),
                        (caller, request) -> addUser(request)),
                new Method<>(
                        AuthGrpc.getUserGetMethod(),
                        "/auth/user/get",
                        KNOWN,
                        AuthUserGetRequest.getDefaultInstance(),
                        this::getUser),
                new Method<>(
                        AuthGrpc.getUserListMethod(),
                        "/auth/user/list",
                        ADMINISTRATOR,
                        AuthUserListRequest.getDefaultInstance(),
                        (caller, request) -> AuthUserListResponse.newBuilder()
                                .setHeader(header())
                                .addAllUsers(auth().users().keySet())
                                .build()),
                new Method<>(
                        AuthGrpc.getUserDeleteMethod(),
                        "/auth/user/delete",
                        ADMINISTRATOR,
                        AuthUserDeleteRequest.getDefaultInstance(),
                        (caller, request) -> change(
                                AuthUserDeleteResponse.class,
                                Command.newBuilder().setUserDelete(request))),
                new Method<>(
                        AuthGrpc.getUserChangePasswordMethod(),
                        "/auth/user/changepw",
                        ADMINISTRATOR,
                        AuthUserChangePasswordRequest.getDefaultInstance(),
                        (caller, request) -> changePassword(request)),
                new Method<>(
                        AuthGrpc.getUserGrantRoleMethod(),
                        "/auth/user/grant",
                        ADMINISTRATOR,
                        AuthUserGrantRoleRequest.getDefaultInstance(),
                        (caller, request) -> change(
                                AuthUserGrantRoleResponse.class,
                                Command.newBuilder().setUserGrantRole(request))),
                new Method<>(
                        AuthGrpc.getUserRevokeRoleMethod(),
                        "/auth/user/revoke",
                        ADMINISTRATOR,
                        AuthUserRevokeRoleRequest.getDefaultInstance(),
                        (caller, request) -> change(
                                AuthUserRevokeRoleResponse.class,
                                Command.newBuilder().setUserRevokeRole(request))),
                new Method<>(
                        AuthGrpc.getRoleAddMethod(),
                        "/auth/role/add",
                        ADMINISTRATOR,
                        AuthRoleAddRequest.getDefaultInstance(),
                        (caller, request) -> change(
                                AuthRoleAddResponse.class, Command.newBuilder().setRoleAdd(request))),
                new Method<>(
                        AuthGrpc.getRoleGetMethod(),
                        "/auth/role/get",
                        KNOWN,
                        AuthRoleGetRequest.getDefaultInstance(),
                        this::getRole),
                new Method<>(
                        AuthGrpc.getRoleListMethod(),
                        "/auth/role/list",
                        ADMINISTRATOR,
                        AuthRoleListRequest.getDefaultInstance(),
                        (caller, request) -> AuthRoleListResponse.newBuilder()
                                .setHeader(header())
                                .addAllRoles(auth().roles().keySet())
                                .build()),
                new Method<>(
                        AuthGrpc.getRoleDeleteMethod(),
                        "/auth/role/delete",
                        ADMINISTRATOR,
                        AuthRoleDeleteRequest.getDefaultInstance(),
                        (caller, request) -> change(
                                AuthRoleDeleteResponse.class,
                                Command.newBuilder().setRoleDelete(request))),
                new Method<>(
                        AuthGrpc.getRoleGrantPermissionMethod(),
                        "/auth/role/grant",
                        ADMINISTRATOR,
                        AuthRoleGrantPermissionRequest.getDefaultInstance(),
                        (caller, request) -> change(
                                AuthRoleGrantPermissionResponse.class,
                                Command.newBuilder().setRoleGrantPermission(request))),
                new Method<>(
                        AuthGrpc.getRoleRevokePermissionMethod(),
                        "/auth/role/revoke",
                        ADMINISTRATOR,
                        AuthRoleRevokePermissionRequest.getDefaultInstance(),
                        (caller, request) -> change(
                                AuthRoleRevokePermissionResponse.class,
                                Command.newBuilder().setRoleRevokePermission(request))));
    }

    private AuthUserAddResponse addUser(AuthUserAddRequest request) {
        AuthUserAddRequest.Builder hashed = request.toBuilder().clearPassword();
        if (!request.getOptions().getNoPassword()) {
            hashed.setHashedPassword(Passwords.hash(request.getPassword(), random));
        }
        return change(AuthUserAddResponse.class, Command.newBuilder().setUserAdd(hashed));
    }

    private AuthUserChangePasswordResponse changePassword(AuthUserChangePasswordRequest request) {
        AuthUserChangePasswordRequest.Builder hashed = request.toBuilder().clearPassword();
        hashed.setHashedPassword(Passwords.hash(request.getPassword(), random));
        return change(AuthUserChangePasswordResponse.class, Command.newBuilder().setUserChangePassword(hashed));
    }

    /** The role root may everything, whatever it was given. */
    private static List<Permission> permissions(Role role) {
        return role.getName().toStringUtf8().equals(AuthState.ROOT)
                ? List.of(Permission.newBuilder()
                        .setPermType(Permission.Type.READWRITE)
                        .setRangeEnd(ByteString.copyFrom(new byte[1]))
                        .build())
                : role.getKeyPermissionList();
    }

    private AuthUserGetResponse getUser(Caller caller, AuthUserGetRequest request) {
        if (!gate.itself(caller, request.getName())) {
            gate.require(caller, ADMINISTRATOR);
        }
        return AuthUserGetResponse.newBuilder()
                .setHeader(header())
                .addAllRoles(auth().user(request.getName()).getRolesList())
                .build();
    }

    private AuthRoleGetResponse getRole(Caller caller, AuthRoleGetRequest request) {
        if (!gate.holds(caller, request.getRole())) {
            gate.require(caller, ADMINISTRATOR);
        }
        if (request.getRole().isEmpty()) {
            throw Errors.roleNotFound();
        }
        return AuthRoleGetResponse.newBuilder()
                .setHeader(header())
                .addAllPerm(permissions(auth().role(request.getRole())))
                .build();
    }
}
