/** Tests of plans. */
package dev.coppice.control.plan;
