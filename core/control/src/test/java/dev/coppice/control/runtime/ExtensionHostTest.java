package dev.coppice.control.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.control.ApiServer;
import dev.coppice.control.ComputedSource;
import dev.coppice.control.Extension;
import dev.coppice.control.ExtensionContext;
import dev.coppice.control.Kind;
import dev.coppice.control.Permission;
import dev.coppice.control.access.BearerTokens;
import dev.coppice.kernel.ChildSpec;
import dev.coppice.kernel.Kernel;
import dev.coppice.kernel.StartException;
import dev.coppice.kernel.SupervisorOptions;
import dev.coppice.schema.Rule;
import dev.coppice.serving.ConsoleSite;
import dev.coppice.serving.HttpListener;
import dev.coppice.serving.ListenerOptions;
import dev.coppice.store.Store;
import dev.coppice.store.StoreOptions;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Extensions on a real API. */
class ExtensionHostTest {
    /** {@code function} is a word of CEL, so that the field is {@code __function__} there. */
    @Rule(value = "self.function > 0", message = "has to be positive")
    record BadSpec(int function) {}

    @Rule(value = "self.__function__ > 0", message = "has to be positive")
    record GoodSpec(int function) {}

    record NoStatus() {}

    @TempDir
    static Path directory;

    private Kernel kernel;
    private ExtensionHost host;

    @BeforeEach
    void start() throws Exception {
        kernel = Kernel.start();
        Store store = Store.start(kernel, kernel.root(), StoreOptions.of(directory.resolve("store")));
        ApiServer api = new ApiServer(kernel, store.keyspace("control"), directory.resolve("control"));
        api.start(kernel.root().startSupervisor("control", SupervisorOptions.DEFAULT));
        HttpListener listener = new HttpListener(
                kernel,
                new ListenerOptions("api", new InetSocketAddress("127.0.0.1", 0), null, 1 << 20, 100),
                _ -> BearerTokens.ADMIN);
        kernel.root().start(ChildSpec.service("api", () -> listener));
        host = new ExtensionHost(
                kernel,
                kernel.root().startSupervisor("areas", SupervisorOptions.DEFAULT),
                api,
                new ExtensionHost.Surroundings(
                        listener.routes(),
                        listener.routes(),
                        new ConsoleSite(kernel, _ -> BearerTokens.ADMIN, "Coppice", "test"),
                        directory.resolve("areas")));
    }

    @AfterEach
    void stop() {
        host.stop();
        kernel.close();
    }

    private static Extension extension(Consumer<ExtensionContext> start) {
        return new Extension() {
            @Override
            public String name() {
                return "test";
            }

            @Override
            public List<Permission> permissions() {
                return List.of();
            }

            @Override
            public void start(ExtensionContext context) {
                start.accept(context);
            }
        };
    }

    private static <S extends Record> Kind<S, NoStatus> kind(String name, Class<S> spec) {
        return Kind.cluster("test.coppice.dev", "v1", name, spec, NoStatus.class, "A test.");
    }

    private static final class Nothing implements ComputedSource {
        @Override
        public Optional<ObjectNode> get(String namespace, String name) {
            return Optional.empty();
        }

        @Override
        public Listing list(String namespace) {
            return new Listing(List.of(), List.of());
        }
    }

    @Test
    void aKindWhoseRuleDoesNotCompileIsRefused() throws Exception {
        assertThatThrownBy(() -> host.start(extension(context -> context.register(kind("Bad", BadSpec.class)))))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("the extension test did not start")
                .hasMessageContaining("x-kubernetes-validations[0].rule")
                .hasMessageContaining("self.function > 0")
                .hasMessageContaining("compilation failed");
        assertThatThrownBy(() -> host.start(
                        extension(context -> context.serve(kind("BadComputed", BadSpec.class), new Nothing()))))
                .isInstanceOf(StartException.class)
                .hasMessageContaining("the schema of the kind BadComputed is not valid")
                .hasMessageContaining("compilation failed");
        host.start(extension(context -> {
            context.register(kind("Good", GoodSpec.class));
            context.serve(kind("GoodComputed", GoodSpec.class), new Nothing());
            assertThat(context.resources().types())
                    .anyMatch(each ->
                            each.type().equals(kind("Good", GoodSpec.class).type()));
        }));
    }
}
