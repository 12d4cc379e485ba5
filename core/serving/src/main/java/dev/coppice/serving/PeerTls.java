package dev.coppice.serving;

import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedKeyManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;

/** What nodes show each other, and what they accept. */
public final class PeerTls {
    private PeerTls() {}

    /** Whether a verified certificate is that of a node of the cluster. */
    public static boolean isPeer(X509Certificate certificate) {
        try {
            for (Rdn part : new LdapName(certificate.getSubjectX500Principal().getName()).getRdns()) {
                if (part.getType().equalsIgnoreCase("O")
                        && CertificateAuthority.PEERS.equals(String.valueOf(part.getValue()))) {
                    return true;
                }
            }
        } catch (InvalidNameException e) {
            return false;
        }
        return false;
    }

    /** SHA-256 of a certificate. */
    public static byte[] fingerprint(X509Certificate certificate) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The key of a source, read anew for every handshake. */
    static final class OwnKey extends X509ExtendedKeyManager {
        private final TlsSource source;

        OwnKey(TlsSource source) {
            this.source = source;
        }

        private TlsContexts.OneKey current() {
            long unused = source.generation(); // renews it when its end is near
            TlsSource.Material material = source.current();
            return new TlsContexts.OneKey(material.key(), material.chain());
        }

        @Override
        public String @Nullable [] getClientAliases(String keyType, Principal @Nullable [] issuers) {
            return current().getClientAliases(keyType, issuers);
        }

        @Override
        public @Nullable String chooseClientAlias(
                String[] keyTypes, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return current().chooseClientAlias(keyTypes, issuers, socket);
        }

        @Override
        public @Nullable String chooseEngineClientAlias(
                String[] keyTypes, Principal @Nullable [] issuers, @Nullable SSLEngine engine) {
            return current().chooseEngineClientAlias(keyTypes, issuers, engine);
        }

        @Override
        public String @Nullable [] getServerAliases(String keyType, Principal @Nullable [] issuers) {
            return null;
        }

        @Override
        public @Nullable String chooseServerAlias(
                String keyType, Principal @Nullable [] issuers, @Nullable Socket socket) {
            return null;
        }

        @Override
        public X509Certificate[] getCertificateChain(String alias) {
            return current().getCertificateChain(alias);
        }

        @Override
        public PrivateKey getPrivateKey(String alias) {
            return current().getPrivateKey(alias);
        }
    }

    /** Accepts servers only. */
    private abstract static class ServerTrust extends X509ExtendedTrustManager {

        abstract void check(X509Certificate[] chain, String authType, @Nullable SSLEngine engine)
                throws CertificateException;

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType) throws CertificateException {
            check(chain, authType, null);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, @Nullable Socket socket)
                throws CertificateException {
            check(chain, authType, null);
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, @Nullable SSLEngine engine)
                throws CertificateException {
            check(chain, authType, engine);
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType) throws CertificateException {
            throw new CertificateException("this side is a client");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, @Nullable Socket socket)
                throws CertificateException {
            throw new CertificateException("this side is a client");
        }

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, @Nullable SSLEngine engine)
                throws CertificateException {
            throw new CertificateException("this side is a client");
        }

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }

        /** @param named checks, too, that the certificate names the host that this engine speaks to */
        static void verify(
                List<X509Certificate> authorities, X509Certificate[] chain, String authType, @Nullable SSLEngine named)
                throws CertificateException {
            try {
                for (TrustManager each : TlsContexts.trust(authorities)) {
                    if (each instanceof X509ExtendedTrustManager manager) {
                        if (named == null) {
                            manager.checkServerTrusted(chain, authType);
                        } else {
                            manager.checkServerTrusted(chain, authType, named);
                        }
                        return;
                    }
                }
            } catch (CertificateException e) {
                throw e;
            } catch (GeneralSecurityException e) {
                throw new CertificateException(e);
            }
            throw new CertificateException("no authority is trusted");
        }
    }

    /** Accepts nodes whose certificate one of the source's authorities signed. */
    static final class PeerTrust extends ServerTrust {
        private final TlsSource source;

        PeerTrust(TlsSource source) {
            this.source = source;
        }

        @Override
        void check(X509Certificate[] chain, String authType, @Nullable SSLEngine engine) throws CertificateException {
            long unused = source.generation(); // reads it again when it changed
            boolean named = source.namesHosts();
            if (named && engine == null) {
                throw new CertificateException("the host of the other side is not known");
            }
            verify(source.current().clientAuthorities(), chain, authType, named ? engine : null);
            if (!source.isPeer(chain[0])) {
                throw new CertificateException("the other side is no node of this cluster: the certificate of "
                        + chain[0].getSubjectX500Principal() + " does not name the organization "
                        + CertificateAuthority.PEERS);
            }
        }
    }

    /** Accepts nodes of the authority with one fingerprint, which they send along. */
    static final class PinnedTrust extends ServerTrust {
        private final byte[] fingerprint;

        PinnedTrust(byte[] fingerprint) {
            this.fingerprint = fingerprint.clone();
        }

        @Override
        void check(X509Certificate[] chain, String authType, @Nullable SSLEngine engine) throws CertificateException {
            X509Certificate root = chain[chain.length - 1];
            if (!MessageDigest.isEqual(fingerprint, fingerprint(root))) {
                throw new CertificateException("the other side's authority is not the one that the join token names");
            }
            verify(List.of(root), chain, authType, null);
            if (!isPeer(chain[0])) {
                throw new CertificateException("the other side is no node of the cluster");
            }
        }
    }
}
