/** What an apply would do, before anything changes. */
@NullMarked
package dev.coppice.control.plan;

import org.jspecify.annotations.NullMarked;
