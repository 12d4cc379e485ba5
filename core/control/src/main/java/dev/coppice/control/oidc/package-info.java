/** Users whom an OpenID Connect issuer knows. */
@NullMarked
package dev.coppice.control.oidc;

import org.jspecify.annotations.NullMarked;
