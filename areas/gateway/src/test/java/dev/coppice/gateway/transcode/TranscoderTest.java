package dev.coppice.gateway.transcode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.api.HttpRule;
import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.TextFormat;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Requests in HTTP and JSON as messages, and messages as JSON. */
class TranscoderTest {
    private static final Transcoder.Options STRICT = new Transcoder.Options(Set.of(), false, false, false);

    private final Transcoder transcoder = Transcoder.of(Library.descriptors(), STRICT);
    private final Transcoder lenient =
            Transcoder.of(Library.descriptors(), new Transcoder.Options(Set.of(), true, true, true));

    TranscoderTest() throws Exception {}

    private static Descriptor type(String name) throws Exception {
        FileDescriptor file = Descriptors.read(Library.descriptors()).iterator().next();
        return file.findMessageTypeByName(name);
    }

    private static String message(Transcoder by, String type, String method, String path, String query, String body)
            throws Exception {
        TranscodedRequest call = by.find(method, path, query);
        assertThat(call).as(path).isNotNull();
        return text(type, call.message(body.getBytes(StandardCharsets.UTF_8)));
    }

    private static String text(String type, byte[] bytes) throws Exception {
        return TextFormat.printer().emittingSingleLine(true).printToString(DynamicMessage.parseFrom(type(type), bytes));
    }

    private String ask(String path, String query) throws Exception {
        return message(transcoder, "Ask", "GET", path, query, "");
    }

    @Test
    void methodsAreFoundByTheirBindings() {
        assertThat(transcoder.find("GET", "/v1/shelves/1/books/2", "").path()).isEqualTo("/library.v1.Library/Get");
        assertThat(transcoder.find("GET", "/v1/book/2", "").path()).isEqualTo("/library.v1.Library/Get");
        assertThat(transcoder.find("POST", "/v1/shelves/1/books", "").path()).isEqualTo("/library.v1.Library/Create");
        assertThat(transcoder.find("GET", "/v1/shelves/1/books:watch", "").streams())
                .isTrue();
        assertThat(transcoder.find("GET", "/v1/shelves/1/books", "")).isNull();
        assertThat(transcoder.find("DELETE", "/v1/book/2", "")).isNull();
    }

    @Test
    void pathsAndQueriesFillMessages() throws Exception {
        assertThat(ask("/v1/shelves/1/books/2", "")).isEqualTo("name: \"shelves/1/books/2\"");
        assertThat(
                        ask(
                                "/v1/book/b",
                                "page_count=7&tags=x&tags=y%26z&author.fullName=A+B&since=2020-01-02T03:04:05Z&kind=NOVEL&exact=true"))
                .isEqualTo("name: \"b\" page_count: 7 tags: \"x\" tags: \"y&z\" author { full_name: \"A B\" }"
                        + " since { seconds: 1577934245 } kind: NOVEL exact: true");
        assertThat(ask("/v1/book/b", "pageCount=8&&")).isEqualTo("name: \"b\" page_count: 8");
    }

    @Test
    void bodiesFillMessagesToo() throws Exception {
        assertThat(message(
                        transcoder,
                        "Put",
                        "POST",
                        "/v1/shelves/1/books",
                        "id=x",
                        "{\"title\": \"T\", \"pageCount\": 3, \"copies\": \"9007199254740993\", \"tags\": [\"a\"]}"))
                .isEqualTo(
                        "parent: \"shelves/1\" book { title: \"T\" page_count: 3 copies: 9007199254740993 tags: \"a\" }"
                                + " id: \"x\"");
        // The path goes before the body.
        assertThat(message(
                        transcoder,
                        "Put",
                        "PATCH",
                        "/v1/shelves/1/books/2",
                        "",
                        "{\"id\": \"i\", \"book\": {\"name\": \"other\", \"title\": \"T\"}}"))
                .isEqualTo("book { name: \"shelves/1/books/2\" title: \"T\" } id: \"i\"");
        assertThat(message(transcoder, "Put", "POST", "/v1/shelves/1/books", "", ""))
                .isEqualTo("parent: \"shelves/1\"");
    }

    private void refused(String method, String path, String query, String body, String part) {
        TranscodedRequest call = transcoder.find(method, path, query);
        assertThat(call).isNotNull();
        assertThatThrownBy(() -> call.message(body.getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(RequestException.class)
                .hasMessageContaining(part);
    }

    @Test
    void whatDoesNotFitIsRefused() {
        refused("GET", "/v1/book/b", "nosuch=1", "", "\"nosuch\": library.v1.Ask has no field nosuch");
        refused("GET", "/v1/book/b", "page_count=x", "", "does not fit library.v1.Ask");
        refused("GET", "/v1/book/b", "page_count=1&page_count=99999999999", "", "does not fit");
        refused("GET", "/v1/book/b", "author=x", "", "does not fit");
        refused("GET", "/v1/book/b", "name.x=1", "", "name has no fields of its own");
        refused("GET", "/v1/book/b", "tags=%F", "", "malformed");
        refused("GET", "/v1/book/b", "a&".repeat(300), "", "256 query parameters");
        refused("POST", "/v1/shelves/1/books", "", "{\"nosuch\": 1}", "does not fit");
        refused("POST", "/v1/shelves/1/books", "", "{\"title\": 1", "no JSON");
        refused("POST", "/v1/shelves/1/books", "", "{} {}", "no JSON");
        refused("POST", "/v1/shelves/1/books", "", "{}, \"id\": \"x\"", "no JSON");
        refused("POST", "/v1/shelves/1/books", "", "[".repeat(5000), "no JSON");
        refused("PATCH", "/v1/shelves/1/books/2", "", "[]", "does not fit");
    }

    @Test
    void theFieldThatDoesNotFitIsNamed() {
        refused("GET", "/v1/book/b", "page_count=x", "", "library.v1.Ask: page_count: Not an int32 value");
        refused(
                "POST",
                "/v1/shelves/1/books",
                "",
                "{\"title\": \"t\", \"pageCount\": \"x\"}",
                "Put: book.pageCount: Not");
        refused("POST", "/v1/shelves/1/books", "", "{\"tags\": [\"a\", {}]}", "Put: book.tags[1]: ");
        refused("POST", "/v1/shelves/1/books", "", "{\"published\": \"now\"}", "Put: book.published: ");
        refused("POST", "/v1/shelves/1/books", "", "{\"author\": {\"x\": 1}}", "Put: book.author.x: Cannot find field");
        refused("PATCH", "/v1/shelves/1/books/2", "", "7", "does not fit library.v1.Put: Expect message object");
    }

    @Test
    void ofSeveralMessagesTheFirstHasWhatThePathSays() throws Exception {
        TranscodedRequest call = transcoder.find("POST", "/v1/shelves/1/books:import", "");
        assertThat(call).isNotNull();
        assertThat(call.clientStreams()).isTrue();
        assertThat(call.streams()).isFalse();
        assertThat(text("Put", call.message("{\"id\": \"a\"}".getBytes(StandardCharsets.UTF_8), 1)))
                .isEqualTo("parent: \"shelves/1\" id: \"a\"");
        assertThat(text("Put", call.message("{\"id\": \"b\"}".getBytes(StandardCharsets.UTF_8), 2)))
                .isEqualTo("id: \"b\"");
        assertThatThrownBy(() ->
                        call.message("{\"id\": 1, \"book\": {\"kind\": \"ODD\"}}".getBytes(StandardCharsets.UTF_8), 3))
                .hasMessageContaining("message 3 of the body does not fit library.v1.Put: book.kind: ");
        assertThatThrownBy(() -> call.message("{\"id\"}".getBytes(StandardCharsets.UTF_8), 4))
                .hasMessageContaining("message 4 of the body is no JSON");
    }

    @Test
    void bodiesAsTheyAre() throws Exception {
        TranscodedRequest call = transcoder.find("PUT", "/v1/covers/a", "");
        assertThat(call).isNotNull();
        assertThat(call.takesRaw()).isTrue();
        assertThat(call.tellsRaw()).isFalse();
        assertThat(text("Cover", call.raw(new byte[] {1, 2}, "image/png", true)))
                .isEqualTo("name: \"a\" body { content_type: \"image/png\" data: \"\\001\\002\" }");
        assertThat(text("Cover", call.raw(new byte[] {3}, "", false))).isEqualTo("body { data: \"\\003\" }");
        TranscodedRequest.Raw told =
                transcoder.find("GET", "/v1/covers/a", "").raw(call.raw(new byte[] {7}, "a/b", true));
        assertThat(told.type()).isEqualTo("a/b");
        assertThat(told.data()).containsExactly(7);
        assertThat(transcoder.find("GET", "/v1/texts/a", "").tellsRaw()).isTrue();
    }

    @Test
    void textThatStandsForANumberIsShort() throws Exception {
        String digits = "1".repeat(65);
        String there = "may have 64 characters";
        refused("GET", "/v1/book/b", "page_count=" + digits, "", there);
        refused("GET", "/v1/book/b", "kind=" + digits, "", there);
        refused("GET", "/v1/book/b", "since=" + digits, "", "there may be 64 characters");
        refused("POST", "/v1/shelves/1/books", "", "{\"copies\": \"" + digits + "\"}", there);
        refused("POST", "/v1/shelves/1/books", "", "{\"page_count\": [\"" + digits + "\"]}", there);
        refused("PATCH", "/v1/shelves/1/books/2", "", "{\"book\": {\"copies\": \"" + digits + "\"}}", there);
        refused("POST", "/v1/shelves/1/books", "", "{\"copies\": \"1e999999999\"}", "exponent may be 1000");
        refused("POST", "/v1/shelves/1/books", "", "{\"copies\": 1e999999999}", "exponent may be 1000");
        assertThat(message(transcoder, "Ask", "GET", "/v1/book/b", "page_count=1e1&tags=" + digits, ""))
                .isEqualTo("name: \"b\" page_count: 10 tags: \"" + digits + "\"");
    }

    @Test
    void whatIsTooDeepIsRefused() {
        refused("POST", "/v1/shelves/1/books", "", "[".repeat(1000) + "]".repeat(1000), "does not fit");
    }

    @Test
    void whatIsWrongIsToldInFewWords() {
        TranscodedRequest call = transcoder.find("POST", "/v1/shelves/1/books", "");
        assertThatThrownBy(() -> call.message(
                        ("{\"" + "\u00e9\ud83d\ude00".repeat(5000) + "\": 1}").getBytes(StandardCharsets.UTF_8)))
                .isInstanceOf(RequestException.class)
                .satisfies(each ->
                        assertThat(each.getMessage()).hasSizeBetween(250, 256).endsWith("\u2026"));
    }

    @Test
    void unknownFieldsAreLeftOutWhereThatIsAllowed() throws Exception {
        assertThat(message(lenient, "Ask", "GET", "/v1/book/b", "nosuch=1&page_count=2", ""))
                .isEqualTo("name: \"b\" page_count: 2");
        assertThat(message(lenient, "Put", "POST", "/v1/shelves/1/books", "", "{\"nosuch\": 1, \"title\": \"T\"}"))
                .isEqualTo("parent: \"shelves/1\" book { title: \"T\" }");
    }

    @Test
    void answersAreWrittenAsAskedFor() throws Exception {
        DynamicMessage.Builder book = DynamicMessage.newBuilder(type("Book"));
        TextFormat.merge("title: \"T\" page_count: 3 copies: 5 published { seconds: 1 }", book);
        byte[] bytes = book.build().toByteArray();
        assertThat(transcoder.find("GET", "/v1/book/b", "").json(bytes))
                .asString()
                .isEqualTo("{\"title\":\"T\",\"pageCount\":3,\"copies\":\"5\",\"published\":\"1970-01-01T00:00:01Z\"}");
        assertThat(transcoder.find("GET", "/v1/title/b", "").json(bytes))
                .asString()
                .isEqualTo("\"T\"");
        assertThat(lenient.find("GET", "/v1/book/b", "").json(new byte[0]))
                .asString()
                .contains("\"page_count\":0")
                .contains("\"tags\":[]")
                .contains("\"kind\":\"KIND_UNSPECIFIED\"");
        assertThat(transcoder.status(5, "not there", null)).isEqualTo("{\"code\":5,\"message\":\"not there\"}");
        assertThat(transcoder.status(5, "not there", new byte[] {1, 2, 3})).contains("not there");
    }

    @Test
    void detailsOfAStatusAreTold() {
        byte[] details = com.google.rpc.Status.newBuilder()
                .setCode(3)
                .setMessage("bad")
                .addDetails(com.google.protobuf.Any.pack(
                        com.google.rpc.ErrorInfo.newBuilder().setReason("WHY").build()))
                .build()
                .toByteArray();
        assertThat(transcoder.status(3, "", details))
                .contains("\"@type\":\"type.googleapis.com/google.rpc.ErrorInfo\"")
                .contains("\"reason\":\"WHY\"");
    }

    @Test
    void detailsThatAreNotValidAreLeftOut() {
        byte[] details = com.google.rpc.Status.newBuilder()
                .setCode(14)
                .addDetails(com.google.protobuf.Any.pack(com.google.rpc.RetryInfo.newBuilder()
                        .setRetryDelay(com.google.protobuf.Duration.newBuilder().setSeconds(Long.MAX_VALUE))
                        .build()))
                .build()
                .toByteArray();
        assertThat(transcoder.status(14, "later", details)).isEqualTo("{\"code\":14,\"message\":\"later\"}");
    }

    private static void invalid(byte[] set, Set<String> services, String... parts) {
        assertThatThrownBy(() -> Transcoder.of(set, new Transcoder.Options(services, false, false, false)))
                .isInstanceOf(InvalidDescriptorsException.class)
                .satisfies(each -> assertThat(each.getMessage()).contains(parts));
    }

    @Test
    void whatIsWrongWithDescriptorsIsToldAltogether() {
        invalid(new byte[] {1, 2, 3}, Set.of(), "no set of file descriptors");
        invalid(new byte[0], Set.of(), "they have 0 files");
        invalid(Library.descriptors(), Set.of("library.v1.Nosuch"), "there is no service library.v1.Nosuch");
        FileDescriptorProto bad = Library.file(
                Library.method("A", "Ask", "Book", false, HttpRule.newBuilder().setGet("/v1/{nosuch}")),
                Library.method("B", "Ask", "Book", false, HttpRule.newBuilder().setGet("v1")),
                Library.method("C", "Ask", "Book", false, HttpRule.newBuilder().setGet("/v1/{tags}")),
                Library.method("D", "Ask", "Book", false, HttpRule.newBuilder().setGet("/v1/{author}")),
                Library.method(
                        "E",
                        "Ask",
                        "Book",
                        false,
                        HttpRule.newBuilder().setPost("/v1/x").setBody("nosuch")),
                Library.method("F", "Ask", "Book", false, HttpRule.newBuilder().setGet("/v1/book/{name}")),
                Library.method("G", "Ask", "Book", false, HttpRule.newBuilder()));
        invalid(
                Library.set(bad),
                Set.of(),
                "library.v1.Library.A: library.v1.Ask has no field nosuch",
                "library.v1.Library.B: the path v1: expected it to begin with a slash",
                "library.v1.Library.C: library.v1.Ask has no field tags that is there once",
                "library.v1.Library.D: author is no field with a value of its own",
                "library.v1.Library.E: body: library.v1.Ask has no field nosuch",
                "library.v1.Library.F: GET /v1/book/{name} is for the same paths as GET /v1/book/{name} of /library.v1.Library/Get",
                "library.v1.Library.G: a binding without a method of HTTP");
        invalid(
                Library.set(Library.file().toBuilder()
                        .addDependency("missing.proto")
                        .build()),
                Set.of(),
                "imports missing.proto, which is not there; write them with --include_imports");
        invalid(
                Library.set(Library.file().toBuilder()
                        .addDependency("library/v1/library.proto")
                        .build()),
                Set.of(),
                "imports itself");
    }

    /** Whatever comes is a message, or refused. */
    @Test
    void anyRequestIsAMessageOrRefused() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        String letters = "{}[]\":,.=&%0aA/ \\ntitle\u00e9";
        for (int round = 0; round < 20_000; round++) {
            StringBuilder text = new StringBuilder();
            for (int i = random.nextInt(12); i > 0; i--) {
                text.append(letters.charAt(random.nextInt(letters.length())));
            }
            String body = random.nextBoolean() ? "{\"title\": " + text + "}" : text.toString();
            TranscodedRequest call = transcoder.find("POST", "/v1/shelves/1/books", text.toString());
            assertThat(call).isNotNull();
            try {
                byte[] _ = call.message(body.getBytes(StandardCharsets.UTF_8));
            } catch (RequestException e) {
                assertThat(e.getMessage()).as("seed %d", seed).isNotEmpty();
            }
        }
    }
}
