package dev.coppice.coordination.contention;

import java.util.List;
import java.util.Optional;

/**
 * All who contend for one name, in the order of their arrival.
 *
 * @param name for people
 */
public record Queue(String name, Sort sort, List<Standing> standings) {

    /** What is contended for. */
    public enum Sort {
        LOCK("Lock"),
        READ_WRITE("ReadWrite"),
        SEMAPHORE("Semaphore"),
        BARRIER("Barrier"),
        ELECTION("Election");

        private final String word;

        Sort(String word) {
            this.word = word;
        }

        public String word() {
            return word;
        }

        static Sort of(Role role) {
            return switch (role) {
                case LOCK -> LOCK;
                case READ, WRITE -> READ_WRITE;
                case SEMAPHORE -> SEMAPHORE;
                case BARRIER -> BARRIER;
                case CANDIDATE -> ELECTION;
            };
        }
    }

    public Queue {
        standings = List.copyOf(standings);
    }

    public List<Standing> holders() {
        return standings.stream().filter(Standing::holds).toList();
    }

    public List<Standing> waiters() {
        return standings.stream().filter(each -> !each.holds()).toList();
    }

    public Optional<Standing> first() {
        return standings.stream().findFirst();
    }
}
