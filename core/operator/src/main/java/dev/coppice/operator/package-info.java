/** The controller runtime's back end for any Kubernetes API server, through fabric8's kubernetes-client. */
@NullMarked
package dev.coppice.operator;

import org.jspecify.annotations.NullMarked;
