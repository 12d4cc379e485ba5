package dev.coppice.bench.pekko;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import dev.coppice.bench.kernel.Answer;
import dev.coppice.bench.kernel.Job;
import dev.coppice.bench.kernel.Request;
import dev.coppice.bench.kernel.Section;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.LongAdder;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.DispatcherSelector;
import org.apache.pekko.actor.typed.SupervisorStrategy;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.AskPattern;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/** The rows of the kernel's speed table as Apache Pekko's typed actors do them. It has no tables. */
public final class PekkoJobs {
    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final Duration LONG = Duration.ofSeconds(60);
    private static final Config QUIET = ConfigFactory.parseString(
                    "pekko.loglevel = OFF\npekko.stdout-loglevel = OFF\npekko.log-dead-letters = off\n"
                            + "pekko.log-dead-letters-during-shutdown = off\npekko.jvm-exit-on-fatal-error = off")
            .withFallback(ConfigFactory.load());

    private PekkoJobs() {}

    /** The messages of all rows. */
    private sealed interface Mail {}

    private record Add(long number, ActorRef<Long> answer) implements Mail {}

    private record Note(long number) implements Mail {}

    private record Begin(int count, CountDownLatch done) implements Mail {}

    private record Answered(long nanos) implements Mail {}

    private enum Tick implements Mail {
        TICK
    }

    public static void main(String[] arguments) throws Exception {
        Job.serve(Map.of(
                "call", PekkoJobs::call,
                "cast", PekkoJobs::cast,
                "spawn", request -> spawn(request, false),
                "idle", request -> spawn(request, true),
                "restart", PekkoJobs::restart,
                "tasks", PekkoJobs::tasks,
                "timers-cancel", PekkoJobs::cancelTimers,
                "timers-fire", PekkoJobs::fireTimers));
    }

    private static ActorSystem<Mail> system(Behavior<Mail> guardian) {
        return ActorSystem.create(guardian, "bench", QUIET);
    }

    private static void end(ActorSystem<Mail> system) throws Exception {
        system.terminate();
        system.getWhenTerminated().toCompletableFuture().get(60, TimeUnit.SECONDS);
    }

    private static Behavior<Mail> adder() {
        return Behaviors.setup(_ -> {
            long[] sum = new long[1];
            return Behaviors.receiveMessage(message -> {
                switch (message) {
                    case Add add -> {
                        sum[0] += add.number;
                        add.answer.tell(sum[0]);
                    }
                    case Note note -> sum[0] += note.number;
                    default -> throw new IllegalStateException("unexpected " + message);
                }
                return Behaviors.same();
            });
        });
    }

    private static Answer call(Request request) throws Exception {
        int clients = request.size("clients");
        AtomicBoolean stop = new AtomicBoolean();
        LongAdder calls = new LongAdder();
        CountDownLatch ended = new CountDownLatch(clients);
        long[][] samples = new long[clients][];
        ActorSystem<Mail> system = system(Behaviors.setup(context -> {
            ActorRef<Mail> server = context.spawn(adder(), "server");
            return Behaviors.receiveMessage(_ -> {
                for (int i = 0; i < clients; i++) {
                    context.spawnAnonymous(client(i, server, stop, calls, ended, samples));
                }
                return Behaviors.same();
            });
        }));
        Section section = Section.begin();
        system.tell(Tick.TICK);
        Thread.sleep(request.size("millis"));
        Answer answer = section.end(calls.sum());
        stop.set(true);
        ended.await();
        end(system);
        return answer.withP99(
                Arrays.stream(samples).flatMapToLong(Arrays::stream).toArray());
    }

    private static Behavior<Mail> client(
            int number,
            ActorRef<Mail> server,
            AtomicBoolean stop,
            LongAdder calls,
            CountDownLatch ended,
            long[][] samples) {
        return Behaviors.setup(context -> {
            long[][] own = {new long[1024]};
            int[] counts = new int[2];
            ask(context, server);
            return Behaviors.receiveMessage(message -> {
                if (!(message instanceof Answered answered)) {
                    throw new IllegalStateException("no answer");
                }
                calls.increment();
                if (counts[0]++ % 8 == 7) {
                    if (counts[1] == own[0].length) {
                        own[0] = Arrays.copyOf(own[0], counts[1] * 2);
                    }
                    own[0][counts[1]++] = answered.nanos;
                }
                if (stop.get()) {
                    samples[number] = Arrays.copyOf(own[0], counts[1]);
                    ended.countDown();
                    return Behaviors.stopped();
                }
                ask(context, server);
                return Behaviors.same();
            });
        });
    }

    private static void ask(ActorContext<Mail> context, ActorRef<Mail> server) {
        long from = Section.nanoTime();
        context.ask(Long.class, server, TIMEOUT, (ActorRef<Long> answer) -> new Add(1, answer), (_, failure) -> {
            if (failure != null) {
                throw new IllegalStateException(failure);
            }
            return new Answered(Section.nanoTime() - from);
        });
    }

    private static long sum(ActorRef<Mail> server, ActorSystem<Mail> system) {
        return AskPattern.<Mail, Long>ask(server, answer -> new Add(0, answer), LONG, system.scheduler())
                .toCompletableFuture()
                .join();
    }

    private static Answer cast(Request request) throws Exception {
        int burst = request.size("burst");
        AtomicBoolean stop = new AtomicBoolean();
        LongAdder sent = new LongAdder();
        ActorSystem<Mail> server = system(adder());
        Section section = Section.begin();
        Thread[] senders = new Thread[request.size("senders")];
        for (int i = 0; i < senders.length; i++) {
            senders[i] = Thread.ofVirtual().start(() -> {
                while (!stop.get()) {
                    for (int n = 0; n < burst; n++) {
                        server.tell(new Note(1));
                    }
                    sum(server, server);
                    sent.add(burst);
                }
            });
        }
        Thread.sleep(request.size("millis"));
        stop.set(true);
        for (Thread sender : senders) {
            sender.join();
        }
        Answer answer = section.end(sent.sum());
        if (sum(server, server) != sent.sum()) {
            throw new IllegalStateException("messages were lost");
        }
        end(server);
        return answer;
    }

    private static Behavior<Mail> counted(LongAdder counter) {
        return Behaviors.setup(_ -> {
            int[] messages = new int[1];
            return Behaviors.receiveMessage(_ -> {
                counter.add(++messages[0]);
                return Behaviors.same();
            });
        });
    }

    private static Answer spawn(Request request, boolean measured) throws Exception {
        int processes = request.size("processes");
        LongAdder counter = new LongAdder();
        ActorSystem<Mail> system = system(Behaviors.setup(context -> Behaviors.receiveMessage(_ -> {
            Note note = new Note(1);
            for (int i = 0; i < processes; i++) {
                context.spawnAnonymous(counted(counter)).tell(note);
            }
            return Behaviors.same();
        })));
        long before = measured ? Section.usedBytes() : 0;
        Section section = Section.begin();
        system.tell(Tick.TICK);
        Section.await(() -> counter.sum() == processes);
        Answer answer = section.end(processes);
        if (measured) {
            answer = answer.with("bytes", Section.usedBytes() - before);
        }
        end(system);
        return answer;
    }

    private static Answer restart(Request request) throws Exception {
        LongAdder starts = new LongAdder();
        AtomicBoolean stop = new AtomicBoolean();
        Behavior<Mail> crashing = Behaviors.supervise(Behaviors.<Mail>setup(context -> {
                    starts.increment();
                    if (!stop.get()) {
                        context.getSelf().tell(Tick.TICK);
                    }
                    return Behaviors.receiveMessage(_ -> {
                        throw new IllegalStateException("crash");
                    });
                }))
                .onFailure(SupervisorStrategy.restart().withLoggingEnabled(false));
        int supervisors = request.size("supervisors");
        ActorSystem<Mail> system = system(Behaviors.setup(context -> Behaviors.receiveMessage(_ -> {
            for (int i = 0; i < supervisors; i++) {
                context.spawnAnonymous(crashing);
            }
            return Behaviors.same();
        })));
        Section section = Section.begin();
        system.tell(Tick.TICK);
        Thread.sleep(request.size("millis"));
        Answer answer = section.end(starts.sum());
        stop.set(true);
        Thread.sleep(100);
        end(system);
        return answer;
    }

    /** Futures on the system's dispatcher whose results go to one actor, which begins the next. */
    private static Answer tasks(Request request) throws Exception {
        int tasks = request.size("tasks");
        int limit = request.size("limit");
        CountDownLatch done = new CountDownLatch(1);
        ActorSystem<Mail> system = system(Behaviors.setup(context -> {
            long[] state = new long[3];
            return Behaviors.receiveMessage(message -> {
                if (message instanceof Note note) {
                    state[1] += note.number;
                    state[2]++;
                }
                while (state[0] < tasks && state[0] - state[2] < limit) {
                    long n = ++state[0];
                    context.pipeToSelf(
                            CompletableFuture.supplyAsync(
                                    () -> n * 2,
                                    context.getSystem().dispatchers().lookup(DispatcherSelector.defaultDispatcher())),
                            (value, _) -> new Note(value));
                }
                if (state[2] == tasks) {
                    if (state[1] != (long) tasks * (tasks + 1)) {
                        throw new IllegalStateException("wrong sum");
                    }
                    done.countDown();
                }
                return Behaviors.same();
            });
        }));
        Section section = Section.begin();
        system.tell(Tick.TICK);
        done.await();
        Answer answer = section.end(tasks);
        end(system);
        return answer;
    }

    private static Answer timers(Request request, Behavior<Mail> worker) throws Exception {
        int workers = request.size("workers");
        int share = request.size("timers") / workers;
        CountDownLatch done = new CountDownLatch(workers);
        ActorSystem<Mail> system = system(Behaviors.setup(context -> Behaviors.receiveMessage(message -> {
            for (int i = 0; i < workers; i++) {
                context.spawnAnonymous(worker).tell(message);
            }
            return Behaviors.same();
        })));
        Section section = Section.begin();
        system.tell(new Begin(share, done));
        done.await();
        Answer answer = section.end((long) share * workers);
        end(system);
        return answer;
    }

    private static Answer cancelTimers(Request request) throws Exception {
        return timers(
                request,
                Behaviors.withTimers(timers -> Behaviors.receiveMessage(message -> {
                    if (message instanceof Begin begin) {
                        for (int i = 0; i < begin.count; i++) {
                            timers.startSingleTimer(i, Tick.TICK, LONG);
                        }
                        for (int i = 0; i < begin.count; i++) {
                            timers.cancel(i);
                        }
                        begin.done.countDown();
                    }
                    return Behaviors.same();
                })));
    }

    private static Answer fireTimers(Request request) throws Exception {
        return timers(request, Behaviors.setup(context -> {
            int[] left = new int[1];
            CountDownLatch[] done = new CountDownLatch[1];
            return Behaviors.receiveMessage(message -> {
                if (message instanceof Begin begin) {
                    left[0] = begin.count;
                    done[0] = begin.done;
                    for (int i = 1; i <= begin.count; i++) {
                        context.scheduleOnce(Duration.ofMillis(1 + i * 7L % 100), context.getSelf(), Tick.TICK);
                    }
                } else if (--left[0] == 0) {
                    done[0].countDown();
                }
                return Behaviors.same();
            });
        }));
    }
}
