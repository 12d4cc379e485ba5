/** What is checked after authorization and before storage: policies, quotas, namespaces. */
@NullMarked
package dev.coppice.control.admission;

import org.jspecify.annotations.NullMarked;
