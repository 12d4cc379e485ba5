package dev.coppice.gateway.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.gateway.config.ContentConfig.Encoding;
import dev.coppice.gateway.file.FileTree.Found;
import dev.coppice.kernel.Clock;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files of a machine, and of memory: nothing but what is below the root. */
class DirectoryTreeTest {
    @TempDir
    Path temporary;

    private FileTree tree;

    @BeforeEach
    void files() throws IOException {
        Path site = Files.createDirectories(temporary.resolve("root/shop/site/sub"));
        Files.writeString(site.getParent().resolve("index.html"), "top");
        Files.writeString(site.resolve("index.html"), "sub");
        Files.writeString(site.resolve("a.txt"), "0123456789");
        Files.setLastModifiedTime(site.resolve("a.txt"), FileTime.from(Instant.ofEpochSecond(1_700_000_000)));
        Files.writeString(temporary.resolve("secret"), "secret");
        Files.createSymbolicLink(site.resolve("link"), temporary.resolve("secret"));
        Files.createSymbolicLink(site.resolve("near"), site.resolve("a.txt"));
        Files.createSymbolicLink(site.getParent().resolve("out"), temporary);
        Files.createSymbolicLink(temporary.resolve("root/shop/other"), temporary);
        // Nobody has changed anything there for a while.
        Files.setLastModifiedTime(site, FileTime.from(Instant.EPOCH));
        tree = new DirectoryTree(temporary.resolve("root"), List.of("shop", "site"), Clock.system());
    }

    private String read(String path) throws IOException {
        return read(tree, path, "index.html", null);
    }

    private static String read(FileTree tree, String path, String index, String fallback) throws IOException {
        return read(tree, path, index, fallback, List.of());
    }

    private static String read(FileTree tree, String path, String index, String fallback, List<Encoding> encodings)
            throws IOException {
        Found found = tree.find(FilePath.of(path), index, fallback == null ? null : FilePath.of(fallback), encodings);
        return switch (found) {
            case Found.Nothing _ -> "nothing";
            case Found.Directory _ -> "directory";
            case Found.File file -> {
                try (FileTree.OpenFile open = file.file()) {
                    yield file.name() + (file.encoding() == null ? "" : " " + file.encoding()) + ":"
                            + new String(open.read(0, (int) open.version().size()), StandardCharsets.UTF_8);
                }
            }
        };
    }

    /** What is served is one file, with its own length and tag, however often another one takes its name. */
    @Test
    void aFileThatIsExchangedIsNeverMixedWithAnother() throws Exception {
        Path site = temporary.resolve("root/shop/site");
        String[] contents = {"first!", "second"};
        FileTime[] times = {
            FileTime.from(Instant.ofEpochSecond(1_600_000_000)), FileTime.from(Instant.ofEpochSecond(1_700_000_000))
        };
        for (int i = 0; i < contents.length; i++) {
            Files.writeString(site.resolve("next" + i), contents[i]);
            Files.setLastModifiedTime(site.resolve("next" + i), times[i]);
        }
        Files.createLink(site.resolve("b.txt"), site.resolve("next0"));
        AtomicBoolean over = new AtomicBoolean();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Thread exchanging = Thread.ofPlatform().start(() -> {
            try {
                for (int i = 1; !over.get(); i = 1 - i) {
                    Files.createLink(site.resolve("link.tmp"), site.resolve("next" + i));
                    Files.move(site.resolve("link.tmp"), site.resolve("b.txt"), StandardCopyOption.ATOMIC_MOVE);
                    // Some opens have to find it at rest.
                    if (System.nanoTime() % 7 == 0) {
                        Thread.yield();
                    }
                }
            } catch (IOException | RuntimeException e) {
                failure.set(e);
            }
        });
        Set<String> seen = new HashSet<>();
        Map<String, Set<String>> tags = new HashMap<>();
        for (int i = 0; i < 20_000; i++) {
            try (FileTree.OpenFile open = ((Found.File) tree.open(FilePath.of("/b.txt"))).file()) {
                String content = new String(open.read(0, (int) open.version().size()), StandardCharsets.UTF_8);
                tags.computeIfAbsent(open.version().tag(), _ -> new HashSet<>()).add(content);
                seen.add(content + " " + open.version().modifiedSeconds());
            } catch (IOException e) {
                assertThat(e).hasMessageContaining("exchanged again and again");
            }
        }
        over.set(true);
        exchanging.join();
        assertThat(failure).hasValue(null);
        assertThat(seen)
                .isSubsetOf("first! 1600000000", "second 1700000000", "first! -1", "second -1")
                .isNotEmpty();
        assertThat(tags)
                .as("tags of one content only")
                .allSatisfy((tag, content) -> assertThat(content).hasSize(1));
    }

    @Test
    void filesAndIndexesAreFound() throws IOException {
        assertThat(DirectoryTree.supported(temporary)).isTrue();
        assertThat(read("/")).isEqualTo("index.html:top");
        assertThat(read("/sub/")).isEqualTo("index.html:sub");
        assertThat(read("/sub")).isEqualTo("directory");
        assertThat(read("/sub/a.txt")).isEqualTo("a.txt:0123456789");
        assertThat(read("/sub/none")).isEqualTo("nothing");
        assertThat(read("/none/none")).isEqualTo("nothing");
        assertThat(read("/sub/a.txt/b")).isEqualTo("nothing");
        assertThat(read("/sub/a.txt/")).isEqualTo("nothing");
        assertThat(read(tree, "/sub/", "", null)).isEqualTo("nothing");
        assertThat(read(tree, "/sub", "", null)).isEqualTo("nothing");
        assertThat(read(tree, "/sub", "none.html", "index.html")).isEqualTo("index.html:top");
        assertThat(read(tree, "/deep/route", "index.html", "index.html")).isEqualTo("index.html:top");
    }

    @Test
    void namesThatNoFileCanHaveAreNone() throws IOException {
        for (String each : List.of("a\0b", "\u00e9".repeat(200))) {
            assertThat(tree.open(new FilePath(List.of(each)))).isInstanceOf(Found.Nothing.class);
        }
    }

    @Test
    void noLinkIsFollowed() throws IOException {
        assertThat(read("/sub/link")).isEqualTo("nothing");
        assertThat(read("/sub/near")).isEqualTo("nothing");
        assertThat(read("/out/secret")).isEqualTo("nothing");
        assertThat(read(
                        new DirectoryTree(temporary.resolve("root"), List.of("shop", "other"), Clock.system()),
                        "/secret",
                        "",
                        null))
                .isEqualTo("nothing");
        assertThat(read(
                        new DirectoryTree(temporary.resolve("gone"), List.of("shop"), Clock.system()),
                        "/secret",
                        "",
                        null))
                .isEqualTo("nothing");
    }

    @Test
    void filesThatWereCompressedBeforehandLieBesideFiles() throws IOException {
        Path site = temporary.resolve("root/shop/site");
        FileTime before = FileTime.from(Instant.ofEpochSecond(1_600_000_000));
        FileTime nearly = FileTime.from(Instant.ofEpochSecond(1_700_000_000, 500));
        Files.setLastModifiedTime(site.resolve("index.html"), before);
        Files.setLastModifiedTime(site.resolve("sub/a.txt"), nearly);
        Files.writeString(site.resolve("index.html.br"), "br of top");
        Files.setLastModifiedTime(site.resolve("index.html.br"), before);
        Files.createSymbolicLink(site.resolve("index.html.zst"), temporary.resolve("secret"));
        Files.writeString(site.resolve("sub/a.txt.gz"), "older");
        // Of the same second, and yet older.
        Files.setLastModifiedTime(site.resolve("sub/a.txt.gz"), FileTime.from(Instant.ofEpochSecond(1_700_000_000)));
        Files.createDirectory(site.resolve("sub/a.txt.br"));
        Files.writeString(site.resolve("alone.gz"), "alone");
        List<Encoding> all = List.of(Encoding.ZSTD, Encoding.BROTLI, Encoding.GZIP);
        assertThat(read(tree, "/", "index.html", null, all)).isEqualTo("index.html BROTLI:br of top");
        assertThat(read(tree, "/none", "", "index.html", all)).isEqualTo("index.html BROTLI:br of top");
        assertThat(read(tree, "/index.html", "", null, List.of(Encoding.GZIP))).isEqualTo("index.html:top");
        assertThat(read(tree, "/sub/a.txt", "", null, all)).isEqualTo("a.txt:0123456789");
        Files.setLastModifiedTime(site.resolve("sub/a.txt.gz"), nearly);
        assertThat(read(tree, "/sub/a.txt", "", null, all)).isEqualTo("a.txt GZIP:older");
        assertThat(read(tree, "/alone", "", null, all)).isEqualTo("nothing");
        assertThat(read(tree, "/alone.gz", "", null, all)).isEqualTo("alone.gz:alone");
        String longest = "x".repeat(254);
        Files.writeString(site.resolve(longest), "long");
        assertThat(read(tree, "/" + longest, "", null, all)).endsWith(":long");
        FileTree memory =
                new MemoryTree(Map.of("a.js", new byte[] {'x'}, "a.js.gz", new byte[] {'z'}), new FileContents());
        assertThat(read(memory, "/a.js", "", null, all)).isEqualTo("a.js GZIP:z");
        assertThat(read(memory, "/a.js", "", null, List.of(Encoding.BROTLI))).isEqualTo("a.js:x");
    }

    /** Equal times and sizes make no equal tags. */
    @Test
    void eachEncodingHasATagOfItsOwn() throws IOException {
        Path site = temporary.resolve("root/shop/site/sub");
        for (String each : List.of("a.txt.gz", "a.txt.br")) {
            Files.writeString(site.resolve(each), "abcdefghij");
            Files.setLastModifiedTime(site.resolve(each), FileTime.from(Instant.ofEpochSecond(1_700_000_000)));
        }
        // It rests, so that tags are made of times and sizes.
        Files.setLastModifiedTime(site, FileTime.from(Instant.ofEpochSecond(1_700_000_000)));
        List<String> tags = new ArrayList<>();
        for (List<Encoding> each : List.of(List.<Encoding>of(), List.of(Encoding.GZIP), List.of(Encoding.BROTLI))) {
            try (FileTree.OpenFile open = ((Found.File) tree.open(FilePath.of("sub/a.txt"), each)).file()) {
                tags.add(open.version().tag());
            }
        }
        assertThat(tags).doesNotHaveDuplicates().allMatch(each -> each.matches("\"[0-9a-f]+-a(-gzip|-br)?\""));
    }

    @Test
    void theVersionIsThatOfTheFile() throws IOException {
        try (FileTree.OpenFile open = ((Found.File) tree.open(FilePath.of("sub/a.txt"))).file()) {
            assertThat(open.version().modifiedSeconds()).isEqualTo(1_700_000_000);
            assertThat(open.version().size()).isEqualTo(10);
            assertThat(open.version().tag()).matches("\"[0-9a-f]+-a\"");
            assertThat(new String(open.read(3, 4), StandardCharsets.UTF_8)).isEqualTo("3456");
            Files.writeString(temporary.resolve("root/shop/site/sub/a.txt"), "012");
            assertThatThrownBy(() -> open.read(2, 4)).isInstanceOf(IOException.class);
        }
    }

    @Test
    void filesInMemoryAreFoundAlike() throws IOException {
        FileContents contents = new FileContents();
        FileTree memory = new MemoryTree(
                Map.of(
                        "index.html",
                        "top".getBytes(StandardCharsets.UTF_8),
                        "sub/index.html",
                        "sub".getBytes(StandardCharsets.UTF_8)),
                contents);
        assertThat(read(memory, "/", "index.html", null)).isEqualTo("index.html:top");
        assertThat(read(memory, "/sub", "index.html", null)).isEqualTo("directory");
        assertThat(read(memory, "/sub/", "index.html", null)).isEqualTo("index.html:sub");
        assertThat(read(memory, "/none", "index.html", null)).isEqualTo("nothing");
        assertThat(read(memory, "/none", "index.html", "index.html")).isEqualTo("index.html:top");
        // Another tree has the same bytes, and not others that are alike.
        assertThat(contents.bytes()).isEqualTo(6);
        FileTree other = new MemoryTree(Map.of("a", "top".getBytes(StandardCharsets.UTF_8)), contents);
        assertThat(contents.bytes()).isEqualTo(6);
        assertThat(((Found.File) other.open(FilePath.of("/a"))).file())
                .isSameAs(((Found.File) memory.open(FilePath.of("/index.html"))).file());
    }
}
