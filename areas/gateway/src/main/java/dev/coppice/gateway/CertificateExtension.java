package dev.coppice.gateway;

import dev.coppice.control.Extension;
import dev.coppice.control.ExtensionContext;
import dev.coppice.gateway.acme.CertificateControl;
import org.jspecify.annotations.Nullable;

/**
 * The area of certificates: cert-manager's kinds, made true with ACME servers (RFC 8555). It is apart from the gateway, since it works in a node where
 * gateways are processes of their own, too, and never in another cluster, where these kinds are cert-manager's.
 *
 * <p>On several nodes it runs on the leader. All that it knows is in the resource API.
 */
public final class CertificateExtension implements Extension {
    private @Nullable CertificateControl control;

    @Override
    public String name() {
        return "certificates";
    }

    @Override
    public void start(ExtensionContext context) throws Exception {
        control = CertificateControl.start(context);
    }

    @Override
    public void stop() {
        if (control != null) {
            control.close();
        }
    }
}
