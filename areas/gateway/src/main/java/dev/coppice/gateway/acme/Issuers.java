package dev.coppice.gateway.acme;

import dev.coppice.control.Informer;
import dev.coppice.control.Key;
import dev.coppice.control.Resource;
import dev.coppice.gateway.kind.IssuerReference;
import dev.coppice.gateway.kind.IssuerSpec;
import dev.coppice.gateway.kind.IssuerStatus;

/** All issuers. Safe for use by many threads. */
record Issuers(Informer<IssuerSpec, IssuerStatus> issuers, Informer<IssuerSpec, IssuerStatus> clusterIssuers) {

    /**
     * The one that a reference means.
     *
     * @throws NotReadyException when there is none
     */
    Resource<IssuerSpec, IssuerStatus> find(IssuerReference reference, String namespace) throws NotReadyException {
        Key key = new Key(reference.cluster() ? "" : namespace, reference.name());
        return (reference.cluster() ? clusterIssuers : issuers)
                .get(key)
                .filter(each -> !each.deleting())
                .orElseThrow(() -> new NotReadyException(reference.kindOrDefault() + " " + key + " does not exist"));
    }
}
