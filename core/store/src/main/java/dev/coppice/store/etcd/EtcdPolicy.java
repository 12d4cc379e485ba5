package dev.coppice.store.etcd;

import java.util.List;
import java.util.Set;

/**
 * Who may use the etcd surface, and what it tells about itself.
 *
 * @param open whether anybody may do everything while authentication is not enabled (plain text on a laptop). Otherwise a
 *     request needs a client certificate of an administrator, or, once authentication is enabled, a user
 * @param administrators organizations of client certificates that count as root, such as {@code system:masters}; only
 *     certificates that the listener has verified are looked at
 * @param clientUrls where clients reach this member, for the member list
 * @param peerUrls where other members reach it
 * @param tokens what kind of tokens users get who sign in
 * @param certificatesSuffice whether every verified client certificate may do everything while authentication is not enabled,
 *     as in etcd; for authorities of the user's
 */
public record EtcdPolicy(
        boolean open,
        Set<String> administrators,
        List<String> clientUrls,
        List<String> peerUrls,
        TokenOptions tokens,
        boolean certificatesSuffice) {

    public EtcdPolicy(boolean open, Set<String> administrators, List<String> clientUrls, List<String> peerUrls) {
        this(open, administrators, clientUrls, peerUrls, TokenOptions.DEFAULT, false);
    }

    public EtcdPolicy {
        administrators = Set.copyOf(administrators);
        clientUrls = List.copyOf(clientUrls);
        peerUrls = List.copyOf(peerUrls);
    }

    /** Certificates of {@code system:masters}, or users. */
    public static EtcdPolicy authenticated(String clientUrl) {
        return new EtcdPolicy(false, Set.of("system:masters"), List.of(clientUrl), List.of("http://127.0.0.1:2380"));
    }

    /** Anybody, until authentication is enabled. */
    public static EtcdPolicy open(String clientUrl) {
        return new EtcdPolicy(true, Set.of("system:masters"), List.of(clientUrl), List.of("http://127.0.0.1:2380"));
    }

    public EtcdPolicy withTokens(TokenOptions kind) {
        return new EtcdPolicy(open, administrators, clientUrls, peerUrls, kind, certificatesSuffice);
    }

    public EtcdPolicy withClientUrls(List<String> urls) {
        return new EtcdPolicy(open, administrators, urls, peerUrls, tokens, certificatesSuffice);
    }

    public EtcdPolicy withCertificatesSufficing() {
        return new EtcdPolicy(open, administrators, clientUrls, peerUrls, tokens, true);
    }
}
