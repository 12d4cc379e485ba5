package dev.coppice.store.engine;

import com.google.protobuf.ByteString;
import dev.coppice.store.api.Event;
import dev.coppice.store.api.WatchCreateRequest;
import dev.coppice.store.api.WatchCreateRequest.FilterType;
import java.util.function.Predicate;

/**
 * What a watch wishes to be told, apart from since when: watches of the same shape are told the same.
 *
 * @param rangeEnd where its range ends, in etcd's way: empty for one key
 * @param previous whether events carry the pair before
 * @param fragment whether large responses may come in parts
 */
record WatchShape(
        ByteString key,
        ByteString rangeEnd,
        boolean puts,
        boolean deletions,
        boolean previous,
        boolean fragment,
        Predicate<Event> interest) {

    static WatchShape of(WatchCreateRequest request, Predicate<Event> interest) {
        return new WatchShape(
                request.getKey().isEmpty() ? ByteString.copyFrom(new byte[] {0}) : request.getKey(),
                request.getRangeEnd(),
                !request.getFiltersList().contains(FilterType.NOPUT),
                !request.getFiltersList().contains(FilterType.NODELETE),
                request.getPrevKv(),
                request.getFragment(),
                interest);
    }

    boolean contains(ByteString candidate) {
        return Requests.contains(key, rangeEnd, candidate);
    }

    /** Whether it wishes for an event of a key that it contains. */
    boolean wants(Event event) {
        return (event.getType() == Event.EventType.PUT ? puts : deletions) && interest.test(event);
    }
}
