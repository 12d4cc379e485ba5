/** Tests of the controllers. */
package dev.coppice.health.control;
