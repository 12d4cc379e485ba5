package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import dev.coppice.store.log.Command;
import dev.coppice.store.log.JoinToken;
import dev.coppice.store.log.MemberRecord;
import dev.coppice.store.log.RedeemToken;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.rocksdb.RocksIterator;

/**
 * Who belongs to the cluster, and who may join it; empty for a node that was never part of one. Who left stays known, so
 * that nobody comes back with a log that was lost. Changed by the applying thread, read by any.
 */
public final class Roster {

    private static final int MAX_TOKENS = 100;

    private volatile Map<Long, MemberRecord> members;
    private volatile Map<String, JoinToken> tokens;

    Roster(Database database) {
        Map<Long, MemberRecord> loadedMembers = new TreeMap<>();
        Map<String, JoinToken> loadedTokens = new TreeMap<>();
        try {
            scan(database, new byte[] {'m'}, value -> {
                MemberRecord record = MemberRecord.parseFrom(value);
                loadedMembers.put(record.getId(), record);
            });
            scan(database, new byte[] {'j'}, value -> {
                JoinToken token = JoinToken.parseFrom(value);
                loadedTokens.put(token.getId(), token);
            });
        } catch (InvalidProtocolBufferException e) {
            throw new IllegalStateException("a stored member cannot be read: the data directory is damaged", e);
        }
        members = Map.copyOf(loadedMembers);
        tokens = Map.copyOf(loadedTokens);
    }

    private interface Taker {
        void take(byte[] value) throws InvalidProtocolBufferException;
    }

    private static void scan(Database database, byte[] prefix, Taker taker) throws InvalidProtocolBufferException {
        try (RocksIterator iterator = database.rocks().newIterator(database.handle(Database.Family.META))) {
            for (iterator.seek(prefix);
                    iterator.isValid() && Codec.startsWith(iterator.key(), prefix);
                    iterator.next()) {
                taker.take(iterator.value());
            }
        }
    }

    /** Who belongs to it, by identifier. */
    public List<MemberRecord> members() {
        return members.values().stream()
                .filter(each -> !each.getRemoved())
                .sorted((left, right) -> Long.compareUnsigned(left.getId(), right.getId()))
                .toList();
    }

    public Optional<MemberRecord> member(long id) {
        MemberRecord found = members.get(id);
        return found == null || found.getRemoved() ? Optional.empty() : Optional.of(found);
    }

    /** The member of that name in the Raft library. */
    public Optional<MemberRecord> byRaft(String raft) {
        return members().stream().filter(each -> each.getRaft().equals(raft)).findFirst();
    }

    /**
     * Where the member of that name in the Raft library listens. Told of a member that was removed, too: it has to be
     * reached until the library's configuration is without it, to which of two members both agree.
     */
    public Optional<String> peerUrl(String raft) {
        return members.values().stream()
                .filter(each -> each.getRaft().equals(raft) && each.getPeerUrlsCount() > 0)
                .map(each -> each.getPeerUrls(0))
                .findFirst();
    }

    /** Whether a member was there once, and was removed. */
    public boolean removed(long id) {
        MemberRecord found = members.get(id);
        return found != null && found.getRemoved();
    }

    public List<JoinToken> tokens() {
        return List.copyOf(tokens.values());
    }

    // ---- applying

    /** Applies a command about the cluster; null when it is about something else. */
    @Nullable
    Message apply(Batch batch, Command command) {
        return switch (command.getOperationCase()) {
            case ADD_MEMBER -> add(batch, command.getAddMember());
            case UPDATE_MEMBER -> update(batch, command.getUpdateMember());
            case REMOVE_MEMBER ->
                change(
                        batch,
                        command.getRemoveMember().getId(),
                        record -> record.toBuilder().setRemoved(true).build());
            case CREATE_TOKEN -> createToken(batch, command.getCreateToken());
            case REDEEM_TOKEN -> redeem(batch, command.getRedeemToken());
            default -> null;
        };
    }

    private MemberRecord add(Batch batch, MemberRecord record) {
        MemberRecord known = members.get(record.getId());
        if (known != null) {
            throw known.getRemoved() ? Errors.memberRemoved() : Errors.memberExists();
        }
        refuseSameUrls(record);
        return put(batch, record);
    }

    private MemberRecord update(Batch batch, MemberRecord record) {
        if (member(record.getId()).isEmpty()) {
            throw Errors.memberNotFound();
        }
        refuseSameUrls(record);
        return put(batch, record);
    }

    private void refuseSameUrls(MemberRecord record) {
        for (MemberRecord each : members()) {
            if (each.getId() != record.getId()
                    && each.getPeerUrlsList().stream().anyMatch(record.getPeerUrlsList()::contains)) {
                throw Errors.peerUrlExists();
            }
        }
    }

    private MemberRecord change(Batch batch, long id, Function<MemberRecord, MemberRecord> change) {
        return put(batch, change.apply(member(id).orElseThrow(Errors::memberNotFound)));
    }

    private MemberRecord put(Batch batch, MemberRecord record) {
        batch.put(
                Database.Family.META,
                ByteBuffer.allocate(9).put((byte) 'm').putLong(record.getId()).array(),
                record.toByteArray());
        Map<Long, MemberRecord> next = new TreeMap<>(members);
        next.put(record.getId(), record);
        members = Map.copyOf(next);
        return record;
    }

    private static byte[] tokenKey(String id) {
        byte[] text = id.getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(1 + text.length).put((byte) 'j').put(text).array();
    }

    private JoinToken createToken(Batch batch, JoinToken token) {
        Map<String, JoinToken> next = new TreeMap<>(tokens);
        List<JoinToken> byEnd = new ArrayList<>(next.values());
        byEnd.sort((left, right) -> Long.compare(left.getExpiresAt(), right.getExpiresAt()));
        for (JoinToken old : byEnd) {
            if (next.size() >= MAX_TOKENS) {
                next.remove(old.getId());
                batch.delete(Database.Family.META, tokenKey(old.getId()));
            }
        }
        next.put(token.getId(), token);
        batch.put(Database.Family.META, tokenKey(token.getId()), token.toByteArray());
        tokens = Map.copyOf(next);
        return token;
    }

    private JoinToken redeem(Batch batch, RedeemToken request) {
        JoinToken token = tokens.get(request.getId());
        ByteString hash = request.getSecretHash();
        if (token == null || !MessageDigest.isEqual(token.getSecretHash().toByteArray(), hash.toByteArray())) {
            throw Errors.joinRefused("the join token is not known here: make a new one with `coppice cluster token`");
        }
        if (request.getNow() > token.getExpiresAt()) {
            throw Errors.joinRefused("the join token has expired: make a new one with `coppice cluster token`");
        }
        if (token.getUsedBy() != 0 && token.getUsedBy() != request.getMember()) {
            throw Errors.joinRefused(
                    "the join token was used by another node: make a new one with `coppice cluster token`");
        }
        JoinToken used = token.toBuilder().setUsedBy(request.getMember()).build();
        batch.put(Database.Family.META, tokenKey(token.getId()), used.toByteArray());
        Map<String, JoinToken> next = new TreeMap<>(tokens);
        next.put(token.getId(), used);
        tokens = Map.copyOf(next);
        return used;
    }
}
