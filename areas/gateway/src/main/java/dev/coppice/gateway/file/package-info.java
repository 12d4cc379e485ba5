/** Files that are answers: which one a path means, which of it a request wants, and where it comes from. */
@NullMarked
package dev.coppice.gateway.file;

import org.jspecify.annotations.NullMarked;
