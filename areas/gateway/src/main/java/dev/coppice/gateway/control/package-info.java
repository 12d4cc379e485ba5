/**
 * The control half of the gateway: makes of the Gateway API's resources what the data plane is to serve, and tells in their
 * statuses what became of them. {@code Translation} is a pure function; {@code GatewayController} feeds it.
 */
@NullMarked
package dev.coppice.gateway.control;

import org.jspecify.annotations.NullMarked;
