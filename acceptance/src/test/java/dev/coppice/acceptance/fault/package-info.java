/**
 * The fault rig: real nodes in network namespaces, clients that record what they ask and are told, faults, and checkers that
 * say whether the histories are those of a correct store. See docs/faults.md.
 */
@NullMarked
package dev.coppice.acceptance.fault;

import org.jspecify.annotations.NullMarked;
