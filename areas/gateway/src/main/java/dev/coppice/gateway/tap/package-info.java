/** A live view of requests for people: who looks at which, what they are shown, and that the traffic does not wait for them. */
@NullMarked
package dev.coppice.gateway.tap;

import org.jspecify.annotations.NullMarked;
