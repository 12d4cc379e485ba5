/**
 * Which endpoint gets a request: load balancers, what they know of endpoints, and how load is spread over priorities. Pure: it opens no
 * connection and knows no protocol. {@link dev.coppice.gateway.balance.LoadBalancerFactory} is where another algorithm comes in.
 */
@NullMarked
package dev.coppice.gateway.balance;

import org.jspecify.annotations.NullMarked;
