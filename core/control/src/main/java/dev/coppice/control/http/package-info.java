/** The resource API over HTTP: negotiation, discovery, OpenAPI, tables, protobuf bodies. */
@NullMarked
package dev.coppice.control.http;

import org.jspecify.annotations.NullMarked;
