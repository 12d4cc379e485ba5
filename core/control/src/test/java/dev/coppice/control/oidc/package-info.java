/** Tests of OpenID Connect. */
package dev.coppice.control.oidc;
