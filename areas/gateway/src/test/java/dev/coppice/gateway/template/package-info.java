@NullMarked
package dev.coppice.gateway.template;

import org.jspecify.annotations.NullMarked;
