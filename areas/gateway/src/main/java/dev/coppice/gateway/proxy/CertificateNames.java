package dev.coppice.gateway.proxy;

import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;

/**
 * The names that a certificate is for, all from its subject alternative names; its common name counts for nothing (RFC 9525, 2).
 * Immutable.
 *
 * @param dns in lower case, maybe with a star for the first label
 * @param uris as they stand there
 */
record CertificateNames(List<String> dns, List<String> uris) {
    /** Kinds of names as {@link X509Certificate#getSubjectAlternativeNames} numbers them (RFC 5280, 4.2.1.6). */
    private static final Integer DNS = 2;

    private static final Integer URI = 6;
    /** So many are told to whoever looks for why a name is not there. */
    private static final int MOST_SHOWN = 10;

    CertificateNames {
        dns = List.copyOf(dns);
        uris = List.copyOf(uris);
    }

    static CertificateNames of(X509Certificate certificate) throws CertificateParsingException {
        List<String> dns = new ArrayList<>();
        List<String> uris = new ArrayList<>();
        Collection<List<?>> all = certificate.getSubjectAlternativeNames();
        for (List<?> each : all == null ? List.<List<?>>of() : all) {
            if (each.get(1) instanceof String name) {
                if (each.getFirst().equals(DNS)) {
                    dns.add(name.toLowerCase(Locale.ROOT));
                } else if (each.getFirst().equals(URI)) {
                    uris.add(name);
                }
            }
        }
        return new CertificateNames(dns, uris);
    }

    /** Whether it is for a DNS name in lower case: a star stands for one whole label, the first (RFC 9525, 6.3). */
    boolean cover(String name) {
        int dot = name.indexOf('.');
        for (String each : dns) {
            if (each.equals(name)
                    || each.startsWith("*.")
                            && dot > 0
                            && each.length() - 1 == name.length() - dot
                            && each.regionMatches(1, name, dot, name.length() - dot)) {
                return true;
            }
        }
        return false;
    }

    /** For people: the first of them. */
    @Override
    public String toString() {
        List<String> all = new ArrayList<>(dns);
        all.addAll(uris);
        if (all.isEmpty()) {
            return "no name";
        }
        String shown = String.join(", ", all.subList(0, Math.min(MOST_SHOWN, all.size())));
        return all.size() > MOST_SHOWN ? shown + " and " + (all.size() - MOST_SHOWN) + " more" : shown;
    }
}
