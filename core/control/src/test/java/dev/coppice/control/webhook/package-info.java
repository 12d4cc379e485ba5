/** Tests of webhooks. */
package dev.coppice.control.webhook;
