package dev.coppice.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.acceptance.webpage.WebPage;
import dev.coppice.acceptance.webpage.WebPageReconciler;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.ConfigMapBuilder;
import io.fabric8.kubernetes.api.model.NamespaceBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.dsl.NonNamespaceOperation;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.informers.ResourceEventHandler;
import io.javaoperatorsdk.operator.Operator;
import io.javaoperatorsdk.operator.api.config.LeaderElectionConfigurationBuilder;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Operators of the Java Operator SDK, and informers of fabric8's client, unmodified, as clients of a node. */
@Timeout(120)
final class OperatorSdkTest {
    private static final Duration LIMIT = Duration.ofSeconds(40);

    @TempDir
    private static Path folder;

    private static RunningCoppice coppice;
    private static KubernetesClient client;

    @BeforeAll
    static void start() throws Exception {
        coppice = RunningCoppice.up(folder.resolve("data"), "--areas", "none");
        client = client(false);
    }

    private static KubernetesClient client(boolean onlyHttpWatches) {
        Config config = Config.fromKubeconfig(
                new File(coppice.ready().path("kubeconfig").asText()));
        config.setOnlyHttpWatches(onlyHttpWatches);
        return new KubernetesClientBuilder().withConfig(config).build();
    }

    @AfterAll
    static void stop() throws Exception {
        if (coppice != null) {
            client.close();
            coppice.close();
        }
    }

    private static void eventually(Callable<Boolean> condition) throws Exception {
        long deadline = System.nanoTime() + LIMIT.toNanos();
        while (!condition.call()) {
            if (System.nanoTime() > deadline) {
                throw new AssertionError("did not happen within " + LIMIT);
            }
            FaultTest.pause(Duration.ofMillis(10));
        }
    }

    private static void namespace(String name) {
        client.namespaces()
                .resource(new NamespaceBuilder()
                        .withNewMetadata()
                        .withName(name)
                        .endMetadata()
                        .build())
                .create();
    }

    private static ConfigMap map(String namespace, String name, String label, String key, String value) {
        return new ConfigMapBuilder()
                .withNewMetadata()
                .withName(name)
                .withNamespace(namespace)
                .addToLabels("role", label)
                .endMetadata()
                .addToData(key, value)
                .build();
    }

    private static Operator operator(String identity, WebPageReconciler reconciler) {
        Operator operator = new Operator(options -> options.withKubernetesClient(client)
                .withCloseClientOnStop(false)
                .withLeaderElectionConfiguration(
                        LeaderElectionConfigurationBuilder.aLeaderElectionConfiguration("webpages")
                                .withLeaseNamespace("web")
                                .withIdentity(identity)
                                .withLeaseDuration(Duration.ofSeconds(5))
                                .withRenewDeadline(Duration.ofSeconds(4))
                                .withRetryPeriod(Duration.ofSeconds(1))
                                .withExitOnStopLeading(false)
                                .build()));
        var _ = operator.register(reconciler);
        return operator;
    }

    private static String html(String page) {
        ConfigMap map =
                client.configMaps().inNamespace("web").withName(page + "-html").get();
        return map == null ? "" : map.getData().get("index.html");
    }

    private static void page(String name, String html) {
        WebPage page = new WebPage();
        page.setMetadata(new io.fabric8.kubernetes.api.model.ObjectMetaBuilder()
                .withName(name)
                .withNamespace("web")
                .build());
        page.setSpec(new WebPage.Spec());
        page.getSpec().html = html;
        client.resource(page).create();
    }

    private static NonNamespaceOperation<WebPage, ?, Resource<WebPage>> pages() {
        return client.resources(WebPage.class).inNamespace("web");
    }

    @Test
    void anOperatorOfTheSdkRunsUnchanged() throws Exception {
        namespace("web");
        client.load(new ByteArrayInputStream(WebPage.DEFINITION.getBytes(StandardCharsets.UTF_8)))
                .serverSideApply();
        eventually(() -> client
                .apiextensions()
                .v1()
                .customResourceDefinitions()
                .withName("webpages.sample.javaoperatorsdk")
                .get()
                .getStatus()
                .getConditions()
                .stream()
                .anyMatch(each ->
                        each.getType().equals("Established") && each.getStatus().equals("True")));
        WebPageReconciler one = new WebPageReconciler();
        WebPageReconciler two = new WebPageReconciler();
        Operator first = operator("one", one);
        Operator second = operator("two", two);
        first.start();
        eventually(() -> "one".equals(holder()));
        second.start();
        try {
            page("home", "<h1>Home</h1>");
            eventually(() -> html("home").equals("<style>plain</style><h1>Home</h1>"));
            eventually(() -> pages().withName("home").get().getStatus() != null
                    && "home-html".equals(pages().withName("home").get().getStatus().page));
            assertThat(pages().withName("home").get().getFinalizers()).hasSize(1);

            // A dependent resource that somebody changes, or deletes, is made right again.
            client.configMaps()
                    .inNamespace("web")
                    .withName("home-html")
                    .edit(map -> new ConfigMapBuilder(map)
                            .addToData("index.html", "defaced")
                            .build());
            eventually(() -> html("home").equals("<style>plain</style><h1>Home</h1>"));
            client.configMaps().inNamespace("web").withName("home-html").delete();
            eventually(() -> html("home").equals("<style>plain</style><h1>Home</h1>"));

            // An event source of its own: the style that all pages share.
            client.resource(map("web", "style", "style", "css", "bold")).create();
            eventually(() -> html("home").equals("<style>bold</style><h1>Home</h1>"));

            pages().withName("home").delete();
            eventually(
                    () -> pages().withName("home").get() == null && html("home").isEmpty());
            assertThat(one.cleaned()).containsExactly("home");
            assertThat(two.cleaned()).isEmpty();

            // The first one stops; the second takes over.
            first.stop();
            eventually(() -> "two".equals(holder()));
            page("next", "<h1>Next</h1>");
            eventually(() -> html("next").equals("<style>bold</style><h1>Next</h1>"));
            pages().withName("next").delete();
            eventually(() -> two.cleaned().contains("next"));
        } finally {
            second.stop();
        }
    }

    private static String holder() {
        var lease = client.leases().inNamespace("web").withName("webpages").get();
        return lease == null ? "" : lease.getSpec().getHolderIdentity();
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void informersSeeEveryChange(boolean onlyHttp) throws Exception {
        String namespace = onlyHttp ? "http" : "websocket";
        // fabric8 7.5.2 reads a chunk with other characters wrong over HTTP: it takes the whole array of a buffer that
        // is not full.
        String letter = onlyHttp ? "u" : "ü";
        namespace(namespace);
        client.resource(map(namespace, "old", "seen", "k", "0")).create();
        client.resource(map(namespace, "other", "unseen", "k", "0")).create();
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        try (KubernetesClient watching = client(onlyHttp);
                var informer = watching.configMaps()
                        .inNamespace(namespace)
                        .withLabel("role", "seen")
                        .inform(new ResourceEventHandler<>() {
                            @Override
                            public void onAdd(ConfigMap map) {
                                seen.add("add " + map.getData().get("k"));
                            }

                            @Override
                            public void onUpdate(ConfigMap before, ConfigMap map) {
                                seen.add("update " + map.getData().get("k"));
                            }

                            @Override
                            public void onDelete(ConfigMap map, boolean unknown) {
                                seen.add("delete " + map.getData().get("k") + " " + unknown);
                            }
                        })) {
            eventually(() -> seen.size() == 1);
            client.resource(map(namespace, "new", "seen", "k", letter)).create();
            client.resource(map(namespace, "new", "seen", "k", "2")).update();
            client.configMaps().inNamespace(namespace).withName("new").delete();
            eventually(() -> seen.toString().contains("delete"));
            assertThat(seen).containsExactly("add 0", "add " + letter, "update 2", "delete 2 false");
            assertThat(informer.isWatching()).isTrue();
            assertThat(informer.getStore().list()).hasSize(1);
        }
    }
}
