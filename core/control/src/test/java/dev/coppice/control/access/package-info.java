/** Tests of who may do what. */
package dev.coppice.control.access;
