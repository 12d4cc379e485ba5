/** OpenAPI documents (v2 and v3) of an API server's types, as Kubernetes publishes them. */
@NullMarked
package dev.coppice.schema.openapi;

import org.jspecify.annotations.NullMarked;
