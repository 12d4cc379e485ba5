package dev.coppice.schema.patch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.coppice.schema.Values;
import dev.coppice.schema.patch.PatchException.Kind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * JSON patch (RFC 6902). A pure function, with the messages of the library that Kubernetes uses (evanphx/json-patch), which
 * is why it is not a library here: clients see these texts.
 */
public final class JsonPatch {
    /** The most operations of one patch, as in kube-apiserver. */
    public static final int MAX_OPERATIONS = 10_000;

    private JsonNode document;
    private int operations;

    private JsonPatch(JsonNode document) {
        this.document = document;
    }

    /**
     * The document with all operations done, in order; the argument is not changed.
     *
     * @throws PatchException where the patch is malformed, a test fails, or a path is missing
     */
    public static JsonNode apply(JsonNode document, JsonNode patch) {
        if (!(patch instanceof ArrayNode list)) {
            throw malformed("a JSON patch is an array of operations");
        }
        if (list.size() > MAX_OPERATIONS) {
            throw new PatchException(
                    Kind.MALFORMED,
                    "The allowed maximum operations in a JSON patch is " + MAX_OPERATIONS + ", got " + list.size());
        }
        JsonPatch run = new JsonPatch(document.deepCopy());
        list.forEach(run::operation);
        return run.document;
    }

    private void operation(JsonNode operation) {
        if (!operation.isObject()) {
            throw malformed("operation " + operations + " is not an object");
        }
        operations++;
        String op = Values.text(operation, "op");
        String path = pointer(operation, "path", op);
        switch (op) {
            case "add" -> add(op, path, value(operation, op));
            case "remove" -> remove(op, path);
            case "replace" -> replace(path, value(operation, op));
            case "move" -> {
                String from = pointer(operation, "from", op);
                if (path.startsWith(from + "/")) {
                    throw unprocessable("move operation cannot move " + from + " into its own child " + path);
                }
                add(op, path, remove(op, from));
            }
            case "copy" -> add(op, path, copied(pointer(operation, "from", op)));
            case "test" -> test(path, operation.get("value"));
            default -> throw unprocessable("Unexpected kind: " + op);
        }
    }

    private JsonNode copied(String from) {
        JsonNode found = find(from);
        if (found == null) {
            throw missing("copy", from, from);
        }
        return found.deepCopy();
    }

    private void test(String path, @Nullable JsonNode expected) {
        JsonNode actual = find(path);
        boolean nullExpected = expected == null || expected.isNull();
        boolean nullActual = actual == null || actual.isNull();
        boolean same = nullExpected ? nullActual : !nullActual && Values.same(actual, expected);
        if (!same) {
            throw new PatchException(Kind.TEST_FAILED, "testing value " + path + " failed: test failed");
        }
    }

    private void replace(String path, JsonNode value) {
        if (path.isEmpty()) {
            document = value.deepCopy();
            return;
        }
        JsonNode parent = parent("replace", path);
        String last = last(path);
        if (parent instanceof ObjectNode object) {
            if (!object.has(last)) {
                throw unprocessable(
                        "replace operation does not apply: doc is missing key: " + path + ": missing value");
            }
            object.set(last, value.deepCopy());
        } else if (parent instanceof ArrayNode array) {
            array.set(index(array, last, array.size() - 1, "replace", path), value.deepCopy());
        }
    }

    private void add(String op, String path, JsonNode value) {
        if (path.isEmpty()) {
            document = value.deepCopy();
            return;
        }
        JsonNode parent = parent(op, path);
        String last = last(path);
        if (parent instanceof ObjectNode object) {
            object.set(last, value.deepCopy());
        } else if (parent instanceof ArrayNode array) {
            if (last.equals("-")) {
                array.add((JsonNode) value.deepCopy());
            } else {
                array.insert(index(array, last, array.size(), op, path), (JsonNode) value.deepCopy());
            }
        }
    }

    private JsonNode remove(String op, String path) {
        if (path.isEmpty()) {
            throw unprocessable(op + " operation does not apply: the whole document cannot be removed");
        }
        JsonNode parent = parent(op, path);
        String last = last(path);
        if (parent instanceof ObjectNode object) {
            JsonNode removed = object.remove(last);
            if (removed == null) {
                throw unprocessable(
                        op.equals("move")
                                ? "move operation does not apply: doc is missing from path: " + path + ": missing value"
                                : "error in remove for path: '" + path + "': Unable to remove nonexistent key: " + last
                                        + ": missing value");
            }
            return removed;
        }
        ArrayNode array = (ArrayNode) parent;
        return array.remove(index(array, last, array.size() - 1, op, path));
    }

    private static int index(ArrayNode array, String token, int max, String op, String path) {
        int index;
        try {
            index = token.equals("-") ? array.size() : Integer.parseInt(token);
        } catch (NumberFormatException e) {
            throw unprocessable(op + " operation does not apply: error in path " + path
                    + ": value was not a proper array index: '" + token + "'");
        }
        int at = index < 0 && index >= -array.size() ? index + array.size() : index;
        if (at < 0 || at > max) {
            throw unprocessable(op + " operation does not apply: doc is missing key: " + path
                    + ": Unable to access invalid index: " + index + ": invalid index referenced");
        }
        return at;
    }

    private JsonNode parent(String op, String path) {
        JsonNode parent = find(path.substring(0, path.lastIndexOf('/')));
        if (parent == null || !parent.isContainerNode()) {
            throw missing(op, path, path);
        }
        return parent;
    }

    private @Nullable JsonNode find(String path) {
        JsonNode at = document;
        for (String token : tokens(path)) {
            if (at instanceof ObjectNode object) {
                at = object.get(token);
            } else if (at instanceof ArrayNode array) {
                at = token.matches("\\d{1,9}") ? array.get(Integer.parseInt(token)) : null;
            } else {
                at = null;
            }
            if (at == null) {
                return null;
            }
        }
        return at;
    }

    private static List<String> tokens(String path) {
        if (path.isEmpty()) {
            return List.of();
        }
        if (!path.startsWith("/")) {
            throw unprocessable("the path \"" + path + "\" does not start with /");
        }
        List<String> tokens = new ArrayList<>();
        for (String part : path.substring(1).split("/", -1)) {
            tokens.add(part.replace("~1", "/").replace("~0", "~"));
        }
        return tokens;
    }

    private static String last(String path) {
        return tokens(path).getLast();
    }

    private static String pointer(JsonNode operation, String name, String op) {
        JsonNode value = operation.get(name);
        if (value == null || !value.isTextual()) {
            throw unprocessable((op.isEmpty() ? "an" : "a " + op) + " operation needs a " + name + " that is a string");
        }
        String path = value.textValue();
        if (!path.isEmpty() && !path.startsWith("/")) {
            throw unprocessable("the " + name + " \"" + path + "\" does not start with /");
        }
        return path;
    }

    private static JsonNode value(JsonNode operation, String op) {
        JsonNode value = operation.get("value");
        if (value == null) {
            throw unprocessable("the " + op + " operation at " + Values.text(operation, "path") + " has no value");
        }
        return value;
    }

    private static PatchException missing(String op, String path, String shown) {
        return unprocessable(
                op + " operation does not apply: doc is missing " + (op.equals("copy") ? "from path: " : "path: ")
                        + (path.isEmpty() ? "/" : Values.quote(shown)) + ": missing value");
    }

    private static PatchException malformed(String message) {
        return new PatchException(Kind.MALFORMED, message);
    }

    private static PatchException unprocessable(String message) {
        return new PatchException(Kind.UNPROCESSABLE, message);
    }
}
