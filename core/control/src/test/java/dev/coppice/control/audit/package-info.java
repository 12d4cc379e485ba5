/** Tests of the audit log. */
package dev.coppice.control.audit;
