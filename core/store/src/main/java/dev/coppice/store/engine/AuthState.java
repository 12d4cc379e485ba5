package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.coppice.store.api.AuthRoleAddRequest;
import dev.coppice.store.api.AuthRoleDeleteRequest;
import dev.coppice.store.api.AuthRoleGrantPermissionRequest;
import dev.coppice.store.api.AuthRoleRevokePermissionRequest;
import dev.coppice.store.api.AuthUserAddRequest;
import dev.coppice.store.api.AuthUserChangePasswordRequest;
import dev.coppice.store.api.AuthUserDeleteRequest;
import dev.coppice.store.api.AuthUserGrantRoleRequest;
import dev.coppice.store.api.AuthUserRevokeRoleRequest;
import dev.coppice.store.api.Permission;
import dev.coppice.store.api.Role;
import dev.coppice.store.api.User;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.rocksdb.RocksIterator;

/**
 * Users, roles and permissions of a keyspace, with etcd's rules. Immutable: a command makes the next state and writes it.
 *
 * @param enabled whether requests need a user
 * @param revision grows with every change
 */
public record AuthState(boolean enabled, long revision, SortedMap<String, User> users, SortedMap<String, Role> roles) {

    public static final String ROOT = "root";

    private static final byte ENABLED = 'E';
    private static final byte USER = 'U';
    private static final byte ROLE = 'R';

    private static byte[] key(int space, byte sort, String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(4 + bytes.length)
                .put((byte) 'a')
                .putShort((short) space)
                .put(sort)
                .put(bytes)
                .array();
    }

    static AuthState load(Source source, int space) {
        byte[] head = source.get(Database.Family.META, key(space, ENABLED, ""));
        if (head == null) {
            return new AuthState(false, 1, new TreeMap<>(), new TreeMap<>());
        }
        AuthState state =
                new AuthState(head[0] == 1, ByteBuffer.wrap(head).getLong(1), new TreeMap<>(), new TreeMap<>());
        try (RocksIterator iterator = source.iterate(Database.Family.META)) {
            byte[] users = key(space, USER, "");
            for (iterator.seek(users); iterator.isValid() && Codec.startsWith(iterator.key(), users); iterator.next()) {
                User user = User.parseFrom(iterator.value());
                state.users.put(user.getName().toStringUtf8(), user);
            }
            byte[] roles = key(space, ROLE, "");
            for (iterator.seek(roles); iterator.isValid() && Codec.startsWith(iterator.key(), roles); iterator.next()) {
                Role role = Role.parseFrom(iterator.value());
                state.roles.put(role.getName().toStringUtf8(), role);
            }
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("a stored user or role cannot be read: the data directory is damaged", e);
        }
        return state;
    }

    /** Writes all of it, where there was nothing. */
    void write(Batch batch, int space) {
        batch.put(Database.Family.META, key(space, ENABLED, ""), head(enabled, revision));
        users.forEach((name, user) -> batch.put(Database.Family.META, key(space, USER, name), user.toByteArray()));
        roles.forEach((name, role) -> batch.put(Database.Family.META, key(space, ROLE, name), role.toByteArray()));
    }

    private static byte[] head(boolean enabled, long revision) {
        return ByteBuffer.allocate(9)
                .put((byte) (enabled ? 1 : 0))
                .putLong(revision)
                .array();
    }

    // ---- changes; each gives the next state

    private AuthState next(Batch batch, int space, boolean nowEnabled) {
        AuthState next = new AuthState(nowEnabled, revision + 1, new TreeMap<>(users), new TreeMap<>(roles));
        batch.put(Database.Family.META, key(space, ENABLED, ""), head(nowEnabled, next.revision));
        return next;
    }

    private AuthState with(Batch batch, int space, User user) {
        AuthState next = next(batch, space, enabled);
        String name = user.getName().toStringUtf8();
        next.users.put(name, user);
        batch.put(Database.Family.META, key(space, USER, name), user.toByteArray());
        return next;
    }

    private AuthState with(Batch batch, int space, Role role) {
        AuthState next = next(batch, space, enabled);
        String name = role.getName().toStringUtf8();
        next.roles.put(name, role);
        batch.put(Database.Family.META, key(space, ROLE, name), role.toByteArray());
        return next;
    }

    AuthState enable(Batch batch, int space) {
        if (enabled) {
            return this;
        }
        User root = users.get(ROOT);
        if (root == null) {
            throw Errors.rootUserMissing();
        }
        if (!root.getRolesList().contains(ROOT)) {
            throw Errors.rootRoleMissing();
        }
        batch.put(Database.Family.META, key(space, ENABLED, ""), head(true, revision));
        return new AuthState(true, revision, users, roles);
    }

    AuthState disable(Batch batch, int space) {
        return enabled ? next(batch, space, false) : this;
    }

    AuthState add(Batch batch, int space, AuthUserAddRequest request) {
        if (request.getName().isEmpty()) {
            throw Errors.userEmpty();
        }
        if (users.containsKey(request.getName())) {
            throw Errors.userExists();
        }
        return with(
                batch,
                space,
                User.newBuilder()
                        .setName(ByteString.copyFromUtf8(request.getName()))
                        .setPassword(ByteString.copyFromUtf8(request.getHashedPassword()))
                        .setOptions(request.getOptions())
                        .build());
    }

    AuthState delete(Batch batch, int space, AuthUserDeleteRequest request) {
        if (enabled && request.getName().equals(ROOT)) {
            throw Errors.invalidAuthManagement();
        }
        user(request.getName());
        AuthState next = next(batch, space, enabled);
        next.users.remove(request.getName());
        batch.delete(Database.Family.META, key(space, USER, request.getName()));
        return next;
    }

    AuthState change(Batch batch, int space, AuthUserChangePasswordRequest request) {
        User user = user(request.getName());
        ByteString password = user.getOptions().getNoPassword()
                ? ByteString.EMPTY
                : ByteString.copyFromUtf8(request.getHashedPassword());
        return with(batch, space, user.toBuilder().setPassword(password).build());
    }

    AuthState grant(Batch batch, int space, AuthUserGrantRoleRequest request) {
        User user = user(request.getUser());
        if (!request.getRole().equals(ROOT)) {
            role(request.getRole());
        }
        if (user.getRolesList().contains(request.getRole())) {
            return this;
        }
        List<String> granted = new ArrayList<>(user.getRolesList());
        granted.add(request.getRole());
        granted.sort(Comparator.naturalOrder());
        return with(
                batch, space, user.toBuilder().clearRoles().addAllRoles(granted).build());
    }

    AuthState revoke(Batch batch, int space, AuthUserRevokeRoleRequest request) {
        if (enabled && request.getName().equals(ROOT) && request.getRole().equals(ROOT)) {
            throw Errors.invalidAuthManagement();
        }
        User user = user(request.getName());
        List<String> left = new ArrayList<>(user.getRolesList());
        if (!left.remove(request.getRole())) {
            throw Errors.roleNotGranted();
        }
        return with(
                batch, space, user.toBuilder().clearRoles().addAllRoles(left).build());
    }

    AuthState add(Batch batch, int space, AuthRoleAddRequest request) {
        if (request.getName().isEmpty()) {
            throw Errors.roleEmpty();
        }
        if (roles.containsKey(request.getName())) {
            throw Errors.roleExists();
        }
        return with(
                batch,
                space,
                Role.newBuilder()
                        .setName(ByteString.copyFromUtf8(request.getName()))
                        .build());
    }

    AuthState delete(Batch batch, int space, AuthRoleDeleteRequest request) {
        if (enabled && request.getRole().equals(ROOT)) {
            throw Errors.invalidAuthManagement();
        }
        role(request.getRole());
        AuthState next = next(batch, space, enabled);
        next.roles.remove(request.getRole());
        batch.delete(Database.Family.META, key(space, ROLE, request.getRole()));
        for (User user : users.values()) {
            if (user.getRolesList().contains(request.getRole())) {
                List<String> left = new ArrayList<>(user.getRolesList());
                left.remove(request.getRole());
                User changed = user.toBuilder().clearRoles().addAllRoles(left).build();
                String name = user.getName().toStringUtf8();
                next.users.put(name, changed);
                batch.put(Database.Family.META, key(space, USER, name), changed.toByteArray());
            }
        }
        return next;
    }

    AuthState grant(Batch batch, int space, AuthRoleGrantPermissionRequest request) {
        if (!request.hasPerm()) {
            throw Errors.permissionNotGiven();
        }
        Permission wanted = request.getPerm();
        if (emptyRange(wanted.getKey(), wanted.getRangeEnd())) {
            throw Errors.invalidAuthManagement();
        }
        Role role = role(request.getName());
        List<Permission> permissions = new ArrayList<>(role.getKeyPermissionList());
        permissions.replaceAll(each -> sameRange(each, wanted.getKey(), wanted.getRangeEnd()) ? wanted : each);
        if (!permissions.contains(wanted)) {
            permissions.add(wanted);
        }
        permissions.sort(Comparator.comparing(Permission::getKey, ByteString.unsignedLexicographicalComparator()));
        return with(
                batch,
                space,
                role.toBuilder()
                        .clearKeyPermission()
                        .addAllKeyPermission(permissions)
                        .build());
    }

    /** Refused since etcd 3.5.8. */
    private static boolean emptyRange(ByteString key, ByteString rangeEnd) {
        return key.isEmpty()
                || !rangeEnd.isEmpty()
                        && !Codec.toInfinity(rangeEnd)
                        && ByteString.unsignedLexicographicalComparator().compare(key, rangeEnd) >= 0;
    }

    AuthState revoke(Batch batch, int space, AuthRoleRevokePermissionRequest request) {
        Role role = role(request.getRole());
        List<Permission> left = new ArrayList<>(role.getKeyPermissionList());
        if (!left.removeIf(each -> sameRange(each, request.getKey(), request.getRangeEnd()))) {
            throw Errors.permissionNotGranted();
        }
        return with(
                batch,
                space,
                role.toBuilder().clearKeyPermission().addAllKeyPermission(left).build());
    }

    private static boolean sameRange(Permission permission, ByteString key, ByteString rangeEnd) {
        return permission.getKey().equals(key) && permission.getRangeEnd().equals(rangeEnd);
    }

    // ---- questions

    public User user(String name) {
        User user = users.get(name);
        if (user == null) {
            throw Errors.userNotFound();
        }
        return user;
    }

    public Role role(String name) {
        Role role = roles.get(name);
        if (role == null) {
            throw Errors.roleNotFound();
        }
        return role;
    }

    public boolean administrator(String user) {
        User found = users.get(user);
        return found != null && found.getRolesList().contains(ROOT);
    }

    /** Whether a user may read, or write, every key of a range; neighbouring permissions add up. */
    public boolean permits(String user, ByteString key, ByteString rangeEnd, boolean write) {
        User found = users.get(user);
        if (found == null) {
            return false;
        }
        if (found.getRolesList().contains(ROOT)) {
            return true;
        }
        List<Permission> held = new ArrayList<>();
        for (String name : found.getRolesList()) {
            Role role = roles.get(name);
            if (role != null) {
                role.getKeyPermissionList().stream()
                        .filter(each -> each.getPermType() == Permission.Type.READWRITE
                                || each.getPermType() == (write ? Permission.Type.WRITE : Permission.Type.READ))
                        .forEach(held::add);
            }
        }
        held.sort(Comparator.comparing(Permission::getKey, ByteString.unsignedLexicographicalComparator()));
        return covers(held, key, rangeEnd);
    }

    private static boolean covers(List<Permission> held, ByteString key, ByteString rangeEnd) {
        var order = ByteString.unsignedLexicographicalComparator();
        boolean open = Codec.toInfinity(rangeEnd);
        ByteString end = rangeEnd.isEmpty() ? after(key) : rangeEnd;
        ByteString reached = key;
        for (Permission each : held) {
            if (order.compare(each.getKey(), reached) > 0) {
                return false;
            }
            if (Codec.toInfinity(each.getRangeEnd())) {
                return true;
            }
            ByteString heldEnd = each.getRangeEnd().isEmpty() ? after(each.getKey()) : each.getRangeEnd();
            if (order.compare(heldEnd, reached) > 0) {
                reached = heldEnd;
            }
            if (!open && order.compare(reached, end) >= 0) {
                return true;
            }
        }
        return false;
    }

    /** The least key after a key. */
    private static ByteString after(ByteString key) {
        return key.concat(ByteString.copyFrom(new byte[] {0}));
    }
}
