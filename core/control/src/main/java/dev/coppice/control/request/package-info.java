/** What clients ask for and how they are answered: paths, options, selectors, Status errors. */
@NullMarked
package dev.coppice.control.request;

import org.jspecify.annotations.NullMarked;
