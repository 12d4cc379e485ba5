/** Tests of admission. */
package dev.coppice.control.admission;
