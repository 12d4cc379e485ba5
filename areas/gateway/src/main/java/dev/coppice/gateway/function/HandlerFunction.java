package dev.coppice.gateway.function;

import com.dylibso.chicory.wasm.types.FunctionType;
import com.dylibso.chicory.wasm.types.ValType;
import java.util.List;
import java.util.Locale;

/**
 * What a guest may call of the handler ABI.
 *
 * <p><a href="https://http-wasm.io/http-handler-abi/">http-wasm.io</a>.
 */
enum HandlerFunction {
    ENABLE_FEATURES("i", "i"),
    GET_CONFIG("ii", "i"),
    LOG("iii", ""),
    LOG_ENABLED("i", "i"),
    GET_METHOD("ii", "i"),
    SET_METHOD("ii", ""),
    GET_URI("ii", "i"),
    SET_URI("ii", ""),
    GET_PROTOCOL_VERSION("ii", "i"),
    GET_SOURCE_ADDR("ii", "i"),
    GET_HEADER_NAMES("iii", "I"),
    GET_HEADER_VALUES("iiiii", "I"),
    SET_HEADER_VALUE("iiiii", ""),
    ADD_HEADER_VALUE("iiiii", ""),
    REMOVE_HEADER("iii", ""),
    READ_BODY("iii", "I"),
    WRITE_BODY("iii", ""),
    GET_STATUS_CODE("", "i"),
    SET_STATUS_CODE("i", "");

    static final String MODULE = "http_handler";

    private final FunctionType type;

    HandlerFunction(String parameters, String results) {
        this.type = FunctionType.of(types(parameters), types(results));
    }

    private static List<ValType> types(String letters) {
        return letters.chars()
                .mapToObj(each -> each == 'i' ? ValType.I32 : ValType.I64)
                .toList();
    }

    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    FunctionType type() {
        return type;
    }
}
