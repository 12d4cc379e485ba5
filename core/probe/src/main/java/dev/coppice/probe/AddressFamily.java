package dev.coppice.probe;

/** Which IP protocol a probe uses when a name has addresses of both. */
public enum AddressFamily {
    /** IPv4 when there is one, else IPv6. */
    PREFER_IPV4,
    /** IPv6 when there is one, else IPv4. */
    PREFER_IPV6,
    /** IPv4 or failure. */
    ONLY_IPV4,
    /** IPv6 or failure. */
    ONLY_IPV6
}
