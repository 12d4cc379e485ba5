package dev.coppice.acceptance.etcd;

import static dev.coppice.acceptance.etcd.KeyOperations.shown;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.AuthDisableRequest;
import dev.coppice.store.api.AuthEnableRequest;
import dev.coppice.store.api.AuthRoleAddRequest;
import dev.coppice.store.api.AuthRoleDeleteRequest;
import dev.coppice.store.api.AuthRoleGetRequest;
import dev.coppice.store.api.AuthRoleGrantPermissionRequest;
import dev.coppice.store.api.AuthRoleListRequest;
import dev.coppice.store.api.AuthRoleRevokePermissionRequest;
import dev.coppice.store.api.AuthUserAddRequest;
import dev.coppice.store.api.AuthUserChangePasswordRequest;
import dev.coppice.store.api.AuthUserDeleteRequest;
import dev.coppice.store.api.AuthUserGetRequest;
import dev.coppice.store.api.AuthUserGrantRoleRequest;
import dev.coppice.store.api.AuthUserListRequest;
import dev.coppice.store.api.AuthUserRevokeRoleRequest;
import dev.coppice.store.api.Permission;
import dev.coppice.store.api.UserAddOptions;
import java.util.List;
import java.util.Random;

/** Random requests about users, roles and permissions. */
final class AuthOperations {

    static final String ROOT_PASSWORD = "root-password";

    private static final List<String> USERS = List.of("alice", "bob", "root", "");
    private static final List<String> ROLES = List.of("reader", "writer", "root", "");

    private final Random random;
    private final KeyOperations keys;

    AuthOperations(Random random, KeyOperations keys) {
        this.random = random;
        this.keys = keys;
    }

    private boolean now(int oneIn) {
        return random.nextInt(oneIn) == 0;
    }

    /** Mostly one of the two; sometimes root, sometimes no name. */
    String user() {
        return USERS.get(now(6) ? random.nextInt(USERS.size()) : random.nextInt(2));
    }

    private String role() {
        return ROLES.get(now(6) ? random.nextInt(ROLES.size()) : random.nextInt(2));
    }

    private String password() {
        return now(5) ? "other" : "password";
    }

    /** Something about users and roles, as a user; leaves root able to sign in. */
    Operation next(String as) {
        return random.nextInt(3) == 0 ? aboutUsers(as) : random.nextInt(3) == 0 ? aboutGrants(as) : aboutRoles(as);
    }

    private Operation aboutUsers(String as) {
        String user = user();
        return switch (random.nextInt(6)) {
            case 0, 1 -> {
                var request = AuthUserAddRequest.newBuilder()
                        .setName(user)
                        .setPassword(user.equals("root") ? ROOT_PASSWORD : password());
                if (now(8) && !user.equals("root")) {
                    request.setOptions(UserAddOptions.newBuilder().setNoPassword(true))
                            .clearPassword();
                }
                yield Operation.of(shown(request.build()), side -> side.auth(as).userAdd(request.build()));
            }
            case 2 -> {
                var request = AuthUserDeleteRequest.newBuilder().setName(user).build();
                yield Operation.of(shown(request), side -> side.auth(as).userDelete(request));
            }
            case 3 -> {
                var request = AuthUserChangePasswordRequest.newBuilder()
                        .setName(user)
                        .setPassword(user.equals("root") ? ROOT_PASSWORD : password())
                        .build();
                yield Operation.of(shown(request), side -> side.auth(as).userChangePassword(request));
            }
            case 4 -> {
                var request = AuthUserGetRequest.newBuilder().setName(user).build();
                yield Operation.of(shown(request), side -> side.auth(as).userGet(request));
            }
            default ->
                Operation.of("UserList", side -> side.auth(as).userList(AuthUserListRequest.getDefaultInstance()));
        };
    }

    private Operation aboutGrants(String as) {
        if (now(4)) {
            var request = AuthUserRevokeRoleRequest.newBuilder()
                    .setName(user())
                    .setRole(role())
                    .build();
            return Operation.of(shown(request), side -> side.auth(as).userRevokeRole(request));
        }
        var request = AuthUserGrantRoleRequest.newBuilder()
                .setUser(user())
                .setRole(role())
                .build();
        return Operation.of(shown(request), side -> side.auth(as).userGrantRole(request));
    }

    /** Never on an empty range: 3.4 grants that, 3.5 does not any more. */
    private Permission permission() {
        while (true) {
            Permission permission = Permission.newBuilder()
                    .setPermTypeValue(random.nextInt(3))
                    .setKey(keys.key())
                    .setRangeEnd(keys.rangeEnd())
                    .build();
            boolean open = permission.getRangeEnd().isEmpty()
                    || permission.getRangeEnd().equals(KeyOperations.bytes(0));
            boolean some = ByteString.unsignedLexicographicalComparator()
                            .compare(permission.getKey(), permission.getRangeEnd())
                    < 0;
            if (!permission.getKey().isEmpty() && (open || some)) {
                return permission;
            }
        }
    }

    private Operation aboutRoles(String as) {
        String role = role();
        return switch (random.nextInt(8)) {
            case 0 -> {
                var request = AuthRoleAddRequest.newBuilder().setName(role).build();
                yield Operation.of(shown(request), side -> side.auth(as).roleAdd(request));
            }
            case 1 -> {
                var request = AuthRoleGetRequest.newBuilder().setRole(role).build();
                yield Operation.of(shown(request), side -> side.auth(as).roleGet(request));
            }
            case 2 -> {
                if (!now(3)) {
                    yield aboutRoles(as);
                }
                var request = AuthRoleDeleteRequest.newBuilder().setRole(role).build();
                yield Operation.of(shown(request), side -> side.auth(as).roleDelete(request));
            }
            case 3 -> {
                var request = AuthRoleRevokePermissionRequest.newBuilder()
                        .setRole(role)
                        .setKey(keys.key())
                        .setRangeEnd(keys.rangeEnd())
                        .build();
                yield Operation.of(shown(request), side -> side.auth(as).roleRevokePermission(request));
            }
            case 4 ->
                Operation.of("RoleList", side -> side.auth(as).roleList(AuthRoleListRequest.getDefaultInstance()));
            default -> {
                var request = AuthRoleGrantPermissionRequest.newBuilder().setName(role);
                // Never without a permission: etcd 3.4 ends with a nil pointer then.
                request.setPerm(permission());
                yield Operation.of(shown(request.build()), side -> side.auth(as).roleGrantPermission(request.build()));
            }
        };
    }

    Operation enable(String as) {
        return Operation.settled(
                "AuthEnable as \"" + as + "\"",
                side -> side.auth(as).authEnable(AuthEnableRequest.getDefaultInstance()));
    }

    Operation disable(String as) {
        return Operation.settled(
                "AuthDisable as \"" + as + "\"",
                side -> side.auth(as).authDisable(AuthDisableRequest.getDefaultInstance()));
    }

    Operation signIn() {
        String user = user();
        String password = user.equals("root") ? ROOT_PASSWORD : password();
        return Operation.of("Authenticate " + user + " with " + password, side -> side.signIn(user, password));
    }

    /** What makes root able to sign in, however it was before. */
    static List<Operation> rootReady() {
        return List.of(
                Operation.of(
                        "add root",
                        side -> side.auth("")
                                .userAdd(AuthUserAddRequest.newBuilder()
                                        .setName("root")
                                        .setPassword(ROOT_PASSWORD)
                                        .build())),
                Operation.of(
                        "give root its password",
                        side -> side.auth("")
                                .userChangePassword(AuthUserChangePasswordRequest.newBuilder()
                                        .setName("root")
                                        .setPassword(ROOT_PASSWORD)
                                        .build())),
                Operation.of(
                        "make root root",
                        side -> side.auth("")
                                .userGrantRole(AuthUserGrantRoleRequest.newBuilder()
                                        .setUser("root")
                                        .setRole("root")
                                        .build())));
    }

    /** What removes all users and roles. */
    static List<Operation> allGone() {
        return java.util.stream.Stream.concat(
                        USERS.stream()
                                .map(user -> Operation.of(
                                        "delete user " + user,
                                        side -> side.auth("")
                                                .userDelete(AuthUserDeleteRequest.newBuilder()
                                                        .setName(user)
                                                        .build()))),
                        ROLES.stream()
                                .map(role -> Operation.of(
                                        "delete role " + role,
                                        side -> side.auth("")
                                                .roleDelete(AuthRoleDeleteRequest.newBuilder()
                                                        .setRole(role)
                                                        .build()))))
                .toList();
    }
}
