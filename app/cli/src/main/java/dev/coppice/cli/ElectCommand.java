package dev.coppice.cli;

import dev.coppice.store.StoreException;
import dev.coppice.store.coordination.Election;
import dev.coppice.store.coordination.Patience;
import dev.coppice.store.coordination.Session;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code coppice elect}: runs a command while leading. */
@Command(
        name = "elect",
        description = "Run a command while leading an election; without one, lead until stopped.",
        customSynopsis = "coppice elect [OPTIONS] NAME [-- COMMAND ARGUMENT...]",
        footer = {
            "",
            "The election is the one of etcdctl elect NAME. The command has COPPICE_ELECTION_NAME, COPPICE_ELECTION_KEY,",
            "COPPICE_ELECTION_LEASE and COPPICE_ELECTION_TOKEN in its environment: the token grows with every leader.",
            "",
            "Exit status: the command's; 75 when it did not come to lead in time; 76 when it lost the lead meanwhile."
        })
final class ElectCommand implements Callable<Integer> {
    @Mixin
    private final StoreAccess access = new StoreAccess();

    @Mixin
    private final HoldOptions holding = new HoldOptions();

    @Option(
            names = "--proposal",
            paramLabel = "TEXT",
            description = "What others read of the leader (default: the owner, or USER@HOST:PID).")
    private @Nullable String proposal;

    @Option(
            names = "--owner",
            paramLabel = "NAME",
            description = "The name of the candidate: the default of --proposal.")
    private @Nullable String owner;

    @Option(names = "--listen", description = "Be no candidate: print who leads, and whenever that changes.")
    private boolean listen;

    @Parameters(index = "0", paramLabel = "NAME", description = "The name of the election.")
    private String name = "";

    @Parameters(index = "1..*", paramLabel = "COMMAND", description = "What to run.")
    private List<String> command = List.of();

    @Override
    public Integer call() throws Exception {
        HoldOptions.Chosen chosen = holding.read();
        if (listen && !command.isEmpty()) {
            throw new IllegalArgumentException("--listen runs no command: leave out " + String.join(" ", command));
        }
        try (StoreAccess.Open store = access.open()) {
            try {
                Session session = store.coordination().open(chosen.session(owner));
                Election election = session.election(name);
                if (listen) {
                    listen(session, election);
                    return 0;
                }
                return new HeldCommand(store.kernel(), "the lead of \"" + name + "\"", chosen)
                        .run(
                                session,
                                patience ->
                                        election.campaign(proposal(), patience).map(Election.Leadership::grant),
                                command,
                                "COPPICE_ELECTION");
            } catch (StoreException e) {
                throw HeldCommand.unreachable(store.where(), e);
            }
        }
    }

    private static void listen(Session session, Election election) throws InterruptedException {
        try (session) {
            election.observe(new Patience(), leader -> {
                System.out.println(
                        leader.map(each -> each.token() + " " + each.proposal()).orElse("-"));
                System.out.flush();
            });
        }
    }

    private String proposal() {
        if (proposal != null) {
            return proposal;
        }
        if (owner != null) {
            return owner;
        }
        String host = System.getenv("HOSTNAME");
        return System.getProperty("user.name") + "@" + (host == null ? "localhost" : host) + ":"
                + ProcessHandle.current().pid();
    }
}
