package dev.coppice.gateway.kind;

import dev.coppice.schema.Length;
import dev.coppice.schema.Maximum;
import dev.coppice.schema.Minimum;
import dev.coppice.schema.Pattern;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** What names of the Gateway API look like: each annotation stands for the published bounds of one. */
public final class Names {
    private static final String SUBDOMAIN = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";

    private Names() {}

    /** A host name in lower case, perhaps with {@code *.} before it. */
    @Length(min = 1, max = 253)
    @Pattern("^(\\*\\.)?" + SUBDOMAIN + "$")
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE_USE})
    public @interface Hostname {}

    /** A host name in lower case. */
    @Length(min = 1, max = 253)
    @Pattern("^" + SUBDOMAIN + "$")
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE_USE})
    public @interface PreciseHostname {}

    /** The name of a part of an object, such as a listener or rule. */
    @Length(min = 1, max = 253)
    @Pattern("^" + SUBDOMAIN + "$")
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE_USE})
    public @interface SectionName {}

    /** The name of an object. */
    @Length(min = 1, max = 253)
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE_USE})
    public @interface ObjectName {}

    /** The name of a namespace. */
    @Length(min = 1, max = 63)
    @Pattern("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE_USE})
    public @interface NamespaceName {}

    /** An API group; empty for the core. */
    @Length(max = 253)
    @Pattern("^$|^" + SUBDOMAIN + "$")
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE_USE})
    public @interface GroupName {}

    /** A kind of the resource API. */
    @Length(min = 1, max = 63)
    @Pattern("^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$")
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE_USE})
    public @interface KindName {}

    /** The name of a header or query parameter. */
    @Length(min = 1, max = 256)
    @Pattern("^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$")
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE_USE})
    public @interface HeaderName {}

    /** A port. */
    @Minimum(1)
    @Maximum(65535)
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE_USE})
    public @interface PortNumber {}

    /** Which controller, as a domain and a path. */
    @Length(min = 1, max = 253)
    @Pattern("^" + SUBDOMAIN + "\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+$")
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE_USE})
    public @interface ControllerName {}

    /** A time span such as {@code 1h30m} or {@code 500ms} (GEP-2257). */
    @Length(max = 32)
    @Pattern("^([0-9]{1,5}(h|m|s|ms)){1,4}$")
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE_USE})
    public @interface GatewayDuration {}

    /** The path of a URL, without a query. */
    @Length(min = 1, max = 1024)
    @Pattern("^/([A-Za-z0-9._~!$&'()*+,;=:@%-][A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?$")
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE_USE})
    public @interface UrlPath {}

    /** An https address, without a user and a fragment. */
    @Length(min = 9, max = 2048)
    @Pattern("^https://[^/?#@\\s]+([/?][^#\\s]*)?$")
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE_USE})
    public @interface HttpsAddress {}

    /** The value of an annotation. */
    @Length(max = 4096)
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE_USE})
    public @interface AnnotationValue {}

    /** The value of a label. */
    @Length(max = 63)
    @Pattern("^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$")
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE_USE})
    public @interface LabelValue {}

    /** What an address is: IPAddress, Hostname, NamedAddress or a domain and a path. */
    @Length(min = 1, max = 253)
    @Pattern("^Hostname|IPAddress|NamedAddress|" + SUBDOMAIN + "\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+$")
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.RECORD_COMPONENT, ElementType.TYPE_USE})
    public @interface AddressType {}
}
