/** Tests of the controller runtime. */
package dev.coppice.control.runtime;
