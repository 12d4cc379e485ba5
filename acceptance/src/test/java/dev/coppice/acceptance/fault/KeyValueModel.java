package dev.coppice.acceptance.fault;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A store of a few keys, asked by transactions only: a get, a put or a delete is one without a comparison. The revisions
 * that are told take part: they never go back, and each transaction that writes has one of its own.
 */
final class KeyValueModel implements Model<KeyValueModel.State, KeyValueModel.Request, KeyValueModel.Response> {

    record State(Map<String, String> values, long revision) {}

    /** Holds when the key has the value, or with null when there is no such key. */
    record Compare(String key, @Nullable String value) {}

    sealed interface Action {
        String key();
    }

    record Get(String key) implements Action {}

    record Put(String key, String value) implements Action {}

    record Delete(String key) implements Action {}

    record Request(List<Compare> compares, List<Action> then, List<Action> otherwise) {

        static Request of(Action... actions) {
            return new Request(List.of(), List.of(actions), List.of());
        }

        boolean writes() {
            return writes(then) || writes(otherwise);
        }

        private static boolean writes(List<Action> actions) {
            return actions.stream().anyMatch(each -> !(each instanceof Get));
        }
    }

    /**
     * @param values for each action the value that the key had before; null stands for none. All of it is null when only
     *     others saw that it happened
     * @param revision of the store, after it
     */
    record Response(boolean succeeded, @Nullable List<@Nullable String> values, long revision) {

        List<@Nullable String> told() {
            return Objects.requireNonNull(values);
        }
    }

    /** What a request does to the values: the answer but for its revision, and whether it changes anything. */
    record Effect(Map<String, String> after, boolean succeeded, List<@Nullable String> values, boolean changes) {}

    @Override
    public State initial() {
        return new State(Map.of(), 0);
    }

    @Override
    public List<State> step(State state, Request request, @Nullable Response response) {
        Effect effect = apply(state.values, request);
        if (response == null) {
            return List.of(new State(effect.after, state.revision));
        }
        boolean right = effect.succeeded == response.succeeded
                && (response.values == null || effect.values.equals(response.values));
        boolean forward = effect.changes ? response.revision > state.revision : response.revision >= state.revision;
        return right && forward ? List.of(new State(effect.after, response.revision)) : List.of();
    }

    static Effect apply(Map<String, String> values, Request request) {
        boolean holds = request.compares.stream().allMatch(each -> {
            String now = values.get(each.key);
            return each.value == null ? now == null : each.value.equals(now);
        });
        Map<String, String> after = new HashMap<>(values);
        List<@Nullable String> before = new ArrayList<>();
        boolean changes = false;
        for (Action action : holds ? request.then : request.otherwise) {
            before.add(after.get(action.key()));
            switch (action) {
                case Get _ -> {}
                case Put put -> {
                    after.put(put.key, put.value);
                    changes = true;
                }
                case Delete delete -> changes |= after.remove(delete.key) != null;
            }
        }
        return new Effect(Map.copyOf(after), holds, before, changes);
    }
}
