/** Tests of the process controllers. */
package dev.coppice.control.process;
