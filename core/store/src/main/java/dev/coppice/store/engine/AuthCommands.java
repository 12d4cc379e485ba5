package dev.coppice.store.engine;

import com.google.protobuf.Message;
import dev.coppice.store.api.AuthDisableResponse;
import dev.coppice.store.api.AuthEnableResponse;
import dev.coppice.store.api.AuthRoleAddResponse;
import dev.coppice.store.api.AuthRoleDeleteResponse;
import dev.coppice.store.api.AuthRoleGrantPermissionResponse;
import dev.coppice.store.api.AuthRoleRevokePermissionResponse;
import dev.coppice.store.api.AuthUserAddResponse;
import dev.coppice.store.api.AuthUserChangePasswordResponse;
import dev.coppice.store.api.AuthUserDeleteResponse;
import dev.coppice.store.api.AuthUserGrantRoleResponse;
import dev.coppice.store.api.AuthUserRevokeRoleResponse;
import dev.coppice.store.api.ResponseHeader;
import dev.coppice.store.log.Command;

/** Applies the commands about users and roles. */
final class AuthCommands {
    private AuthCommands() {}

    /** What a command makes of users and roles, and its answer. */
    record Applied(AuthState next, Message answer) {}

    static Applied apply(AuthState state, Batch batch, int space, Command command, ResponseHeader header) {
        return switch (command.getOperationCase()) {
            case AUTH_ENABLE ->
                new Applied(
                        state.enable(batch, space),
                        AuthEnableResponse.newBuilder().setHeader(header).build());
            case AUTH_DISABLE ->
                new Applied(
                        state.disable(batch, space),
                        AuthDisableResponse.newBuilder().setHeader(header).build());
            case USER_ADD ->
                new Applied(
                        state.add(batch, space, command.getUserAdd()),
                        AuthUserAddResponse.newBuilder().setHeader(header).build());
            case USER_DELETE ->
                new Applied(
                        state.delete(batch, space, command.getUserDelete()),
                        AuthUserDeleteResponse.newBuilder().setHeader(header).build());
            case USER_CHANGE_PASSWORD ->
                new Applied(
                        state.change(batch, space, command.getUserChangePassword()),
                        AuthUserChangePasswordResponse.newBuilder()
                                .setHeader(header)
                                .build());
            case USER_GRANT_ROLE ->
                new Applied(
                        state.grant(batch, space, command.getUserGrantRole()),
                        AuthUserGrantRoleResponse.newBuilder().setHeader(header).build());
            case USER_REVOKE_ROLE ->
                new Applied(
                        state.revoke(batch, space, command.getUserRevokeRole()),
                        AuthUserRevokeRoleResponse.newBuilder()
                                .setHeader(header)
                                .build());
            case ROLE_ADD ->
                new Applied(
                        state.add(batch, space, command.getRoleAdd()),
                        AuthRoleAddResponse.newBuilder().setHeader(header).build());
            case ROLE_DELETE ->
                new Applied(
                        state.delete(batch, space, command.getRoleDelete()),
                        AuthRoleDeleteResponse.newBuilder().setHeader(header).build());
            case ROLE_GRANT_PERMISSION ->
                new Applied(
                        state.grant(batch, space, command.getRoleGrantPermission()),
                        AuthRoleGrantPermissionResponse.newBuilder()
                                .setHeader(header)
                                .build());
            case ROLE_REVOKE_PERMISSION ->
                new Applied(
                        state.revoke(batch, space, command.getRoleRevokePermission()),
                        AuthRoleRevokePermissionResponse.newBuilder()
                                .setHeader(header)
                                .build());
            case DEFINE_KEYSPACE,
                    PUT,
                    DELETE_RANGE,
                    TXN,
                    COMPACT,
                    LEASE_GRANT,
                    LEASE_REVOKE,
                    LEASE_CHECKPOINT,
                    ALARM,
                    ISSUE_TOKEN,
                    ADD_MEMBER,
                    UPDATE_MEMBER,
                    REMOVE_MEMBER,
                    CREATE_TOKEN,
                    REDEEM_TOKEN,
                    OPERATION_NOT_SET ->
                throw new IllegalStateException("not a command about users: " + command.getOperationCase());
        };
    }
}
