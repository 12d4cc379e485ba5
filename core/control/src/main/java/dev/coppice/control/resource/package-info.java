/** The types that the API serves: built-in kinds and custom ones, in one registry. */
@NullMarked
package dev.coppice.control.resource;

import org.jspecify.annotations.NullMarked;
