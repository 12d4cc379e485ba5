package dev.coppice.kernel;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jetbrains.lincheck.datastructures.IntGen;
import org.jetbrains.lincheck.datastructures.Operation;
import org.jetbrains.lincheck.datastructures.Param;
import org.jetbrains.lincheck.datastructures.Validate;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/**
 * The index behind names and groups under Lincheck. Processes are the kernel's own, on demand, so they have no thread as long
 * as they get no mail.
 */
public final class ProcessIndexLinearizabilityTest {
    private static final Kernel KERNEL = Kernel.start(new SimulatedClock(), 1);
    private static final ChildSpec SPEC = ChildSpec.process("indexed", () -> (self, message) -> {});
    private static final int PROCESSES = 3;

    /** What both sorts of index do. */
    @Param(name = "key", gen = IntGen.class, conf = "1:2")
    @Param(name = "process", gen = IntGen.class, conf = "1:3")
    @Param(name = "value", gen = IntGen.class, conf = "1:3")
    abstract static class Operations {
        private final ProcessIndex<Integer, Integer> index;
        private final Map<Integer, ProcessAddress<Object>> processes = new LinkedHashMap<>();

        Operations(ProcessIndex<Integer, Integer> index) {
            this.index = index;
            for (int number = 1; number <= PROCESSES; number++) {
                ProcessAddress<Object> process = new ProcessAddress<>(
                        (SupervisorNode) KERNEL.root(), SPEC, (ChildSpec.ProcessBody) SPEC.body(), false);
                try {
                    process.launch(false);
                } catch (StartException e) {
                    throw new IllegalStateException(e);
                }
                processes.put(number, process);
            }
        }

        private ProcessAddress<Object> process(int number) {
            ProcessAddress<Object> process = processes.get(number);
            if (process == null) {
                throw new IllegalArgumentException("process " + number);
            }
            return process;
        }

        @Operation
        public String register(
                @Param(name = "key") int key, @Param(name = "process") int process, @Param(name = "value") int value) {
            try {
                return index.register(key, process(process), value) ? "yes" : "no";
            } catch (IllegalStateException dead) {
                return "dead";
            }
        }

        @Operation
        public boolean unregister(@Param(name = "key") int key, @Param(name = "process") int process) {
            return index.unregister(key, process(process));
        }

        @Operation
        public Optional<Integer> add(
                @Param(name = "key") int key, @Param(name = "process") int process, @Param(name = "value") int value) {
            return index.update(key, process(process), old -> old + value);
        }

        @Operation
        public List<Integer> lookup(@Param(name = "key") int key) {
            return index.lookup(key).stream().map(ProcessIndex.Entry::value).toList();
        }

        @Operation
        public Set<Integer> keys(@Param(name = "process") int process) {
            return new TreeSet<>(index.keys(process(process)));
        }

        @Operation
        public void kill(@Param(name = "process") int process) {
            if (process(process).life() instanceof Run life) {
                life.stopping = true; // as its supervisor would, so that it is not restarted
                life.kill();
            }
        }

        final void killAll() {
            processes.keySet().forEach(this::kill);
            if (!index.isClean()) {
                throw new IllegalStateException("left over: " + index);
            }
        }
    }

    public static final class Unique extends Operations {
        public Unique() {
            super(ProcessIndex.unique());
        }

        @Validate
        public void theDeadLeaveNothing() {
            killAll();
        }
    }

    public static final class Shared extends Operations {
        public Shared() {
            super(ProcessIndex.shared());
        }

        @Validate
        public void theDeadLeaveNothing() {
            killAll();
        }
    }

    /** One thread, ordinary maps. */
    abstract static class Sequential {
        private final boolean unique;
        private final Map<Integer, Map<Integer, Integer>> index = new LinkedHashMap<>();
        private final Set<Integer> dead = new LinkedHashSet<>();

        Sequential(boolean unique) {
            this.unique = unique;
        }

        private Map<Integer, Integer> members(int key) {
            return index.computeIfAbsent(key, _ -> new LinkedHashMap<>());
        }

        public String register(int key, int process, int value) {
            if (dead.contains(process)) {
                return "dead";
            }
            if (unique && !members(key).isEmpty() && !members(key).containsKey(process)) {
                return "no";
            }
            members(key).put(process, value);
            return "yes";
        }

        public boolean unregister(int key, int process) {
            return members(key).remove(process) != null;
        }

        public Optional<Integer> add(int key, int process, int value) {
            return Optional.ofNullable(members(key).computeIfPresent(process, (_, old) -> old + value));
        }

        public List<Integer> lookup(int key) {
            return List.copyOf(members(key).values());
        }

        public Set<Integer> keys(int process) {
            Set<Integer> keys = new TreeSet<>();
            index.forEach((key, members) -> {
                if (members.containsKey(process)) {
                    keys.add(key);
                }
            });
            return keys;
        }

        public void kill(int process) {
            dead.add(process);
            index.values().forEach(members -> members.remove(process));
        }
    }

    public static final class SequentialUnique extends Sequential {
        public SequentialUnique() {
            super(true);
        }
    }

    public static final class SequentialShared extends Sequential {
        public SequentialShared() {
            super(false);
        }
    }

    @Test
    @DisplayName("unique names are linearizable")
    void unique() {
        Linearizability.stress(Unique.class, SequentialUnique.class);
    }

    @Test
    @DisplayName("groups are linearizable")
    void shared() {
        Linearizability.stress(Shared.class, SequentialShared.class);
    }
}
