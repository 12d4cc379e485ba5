/** Tests of shared keys. */
package dev.coppice.control.keys;
