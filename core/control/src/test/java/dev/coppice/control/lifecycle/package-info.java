/** Tests of the lifecycle controllers. */
package dev.coppice.control.lifecycle;
