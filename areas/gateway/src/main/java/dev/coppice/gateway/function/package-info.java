/**
 * Functions in WebAssembly that see requests and answers: the handler ABI of http-wasm, in a sandbox. Nothing here knows of connections.
 *
 * <p>The ABI: <a href="https://http-wasm.io/http-handler-abi/">http-wasm.io</a>.
 */
@NullMarked
package dev.coppice.gateway.function;

import org.jspecify.annotations.NullMarked;
