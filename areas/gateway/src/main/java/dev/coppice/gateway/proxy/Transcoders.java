package dev.coppice.gateway.proxy;

import dev.coppice.gateway.config.GrpcConfig;
import dev.coppice.gateway.config.TranscodingConfig;
import dev.coppice.gateway.transcode.InvalidDescriptorsException;
import dev.coppice.gateway.transcode.TranscodedRequest;
import dev.coppice.gateway.transcode.Transcoder;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What calls in HTTP and JSON are read with; made anew only when its descriptors change. Safe for use by many threads. */
final class Transcoders {
    private static final System.Logger LOG = System.getLogger(Transcoders.class.getName());

    /**
     * One that is ready.
     *
     * @param transcoder null: its descriptors cannot be read any more, so that no call has another form
     */
    record Made(TranscodingConfig config, @Nullable Transcoder transcoder) {
        /** The call that a request is; null when it is none. */
        @Nullable
        TranscodedRequest find(String method, String path, String query) {
            return transcoder == null ? null : transcoder.find(method, path, query);
        }
    }

    private Map<String, Made> made = Map.of();

    synchronized void update(List<TranscodingConfig> configs) {
        Map<String, Made> now = new HashMap<>();
        for (TranscodingConfig each : configs) {
            Made before = made.get(each.name());
            now.put(each.name(), before != null && before.config.equals(each) ? before : make(each));
        }
        made = Map.copyOf(now);
    }

    /** What was saved by another version may be none for this one. */
    private static Made make(TranscodingConfig config) {
        try {
            return new Made(config, read(config));
        } catch (InvalidDescriptorsException | IllegalArgumentException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "the descriptors of " + config.name() + " cannot be used: " + e.getMessage());
            return new Made(config, null);
        }
    }

    private static Transcoder read(TranscodingConfig config) throws InvalidDescriptorsException {
        return Transcoder.of(
                Base64.getMimeDecoder().decode(config.descriptors()),
                new Transcoder.Options(
                        Set.copyOf(config.services()),
                        config.ignoreUnknownFields(),
                        config.printDefaults(),
                        config.protoNames()));
    }

    /** For a rule; null: its calls have no other form. */
    synchronized @Nullable Made of(@Nullable GrpcConfig rule) {
        Made found = rule == null || rule.transcoding() == null ? null : made.get(rule.transcoding());
        return found == null || found.transcoder == null ? null : found;
    }
}
