/** Filters that extensions bring: what they see of requests and answers, and what they may say. */
@NullMarked
package dev.coppice.gateway.filter;

import org.jspecify.annotations.NullMarked;
