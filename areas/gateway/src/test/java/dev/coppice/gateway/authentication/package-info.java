@NullMarked
package dev.coppice.gateway.authentication;

import org.jspecify.annotations.NullMarked;
