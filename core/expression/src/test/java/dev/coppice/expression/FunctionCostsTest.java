package dev.coppice.expression;

import static org.assertj.core.api.Assertions.assertThat;

import dev.cel.common.types.CelKind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What Kubernetes says that calls of its functions cost: the estimates which its own test expects (apiserver/pkg/cel/library/cost_test.go,
 * without what 1.32 does not have). There a string of unknown size has up to 12 characters.
 */
class FunctionCostsTest {
    private static final Environment ENVIRONMENT = Environment.empty()
            .withVariable("authorizer", ValueType.AUTHORIZER)
            .estimating((_, type) ->
                    type.kind() == CelKind.STRING || type.kind() == CelKind.BYTES ? Estimate.upTo(12) : null);

    private static final String INTS = "[1, 2, 3, 4, 5]";
    private static final String TWELVE = "'012345678901'";
    private static final String STRINGS = "[" + (TWELVE + ", ").repeat(4) + TWELVE + "]";
    private static final String BYTES = "[" + ("bytes(" + TWELVE + "), ").repeat(4) + "bytes(" + TWELVE + ")]";

    private static Estimate estimate(String source) throws InvalidExpressionException {
        return Expression.compile(source, ENVIRONMENT).estimate();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            15 | 15 | INTS.sum()
            15 | 15 | INTS.isSorted()
            15 | 15 | [1.0, 2.0, 3.0, 4.0, 5.0].max()
            20 | 20 | [uint(1), uint(2), uint(3), uint(4), uint(5)].min()
            20 | 20 | [duration('1s'), duration('2s'), duration('3s'), duration('4s'), duration('5s')].sum()
            15 | 25 | STRINGS.isSorted()
            15 | 25 | STRINGS.max()
            25 | 35 | BYTES.min()
            15 | 15 | INTS.indexOf(3)
            15 | 25 | STRINGS.lastIndexOf('x')
            26 | 36 | BYTES.indexOf(bytes('x'))
            5  | 5  | '01234567890123456789012345678901234567890123456789'.indexOf('123')
            """)
    void lists(long min, long max, String source) throws Exception {
        String whole = source.replace("INTS", INTS).replace("STRINGS", STRINGS).replace("BYTES", BYTES);
        assertThat(estimate(whole)).isEqualTo(new Estimate(min, max));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            4 | 4 | url('https:://kubernetes.io/').getScheme()
            4 | 4 | url('https:://kubernetes.io/').getQuery()
            7 | 9 | url('https:://kubernetes.io/') == url('https:://kubernetes.io/')
            5 | 5 | url('https:://kubernetes.io/') == url('http://x.b')
            2 | 2 | ip('192.168.0.1')
            4 | 4 | ip('2001:db8:3333:4444:5555:6666:7777:8888')
            3 | 3 | ip('192.168.0.1').isGlobalUnicast()
            7 | 7 | ip('2001:db8:3333:4444:5555:6666:7777:8888') == ip('192.168.0.1')
            3 | 3 | ip.isCanonical('192.168.0.1')
            8 | 8 | ip.isCanonical('2001:db8:3333:4444:5555:6666:7777:8888')
            2 | 2 | cidr('192.168.0.0/16')
            3 | 3 | cidr('192.168.0.0/16').ip()
            3 | 3 | cidr('192.168.0.0/16').masked()
            5 | 5 | cidr('2001:db8::/32') == cidr('2001:db8::/32')
            7 | 11 | cidr('192.168.0.0/16').containsCIDR(cidr('192.0.0.0/30'))
            7 | 11 | cidr('192.168.0.0/16').containsCIDR('192.0.0.0/30')
            4 | 7 | cidr('192.168.0.0/16').containsIP('192.0.0.1')
            5 | 8 | cidr('192.168.0.0/16').containsIP('192.169.0.1')
            5 | 8 | cidr('192.168.0.0/16').containsIP(ip('192.169.169.250'))
            7 | 10 | cidr('2001:db8::/32').containsIP('2001:db8:3333:4444:5555:6666:7777:8888')
            """)
    void addresses(long min, long max, String source) throws Exception {
        assertThat(estimate(source)).isEqualTo(new Estimate(min, max));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            3 | 3 | 'ABCDEFGHIJ abcdefghij'.lowerAscii()
            7 | 9 | 'ABCDEFGHIJ abcdefghij'.upperAscii() == 'abcdefghij ABCDEFGHIJ'.upperAscii()
            3 | 3 | strings.quote('ABCDEFGHIJ abcdefghij')
            7 | 11 | strings.quote('ABCDEFGHIJ abcdefghij') == strings.quote('ABCDEFGHIJ abcdefghij')
            3 | 3 | 'abc 123 def 123'.replace('123', '456')
            3 | 3 | 'abc 123 def 123'.replace('', 'x')
            3 | 3 | 'abc 123 def 123'.replace('123', '456', 1)
            3 | 3 | 'abc 123 def 123'.split(' ')
            3 | 3 | 'abc 123 def 123'.split(' ', 1)
            2 | 2 | 'abc 123 def 123'.substring(5, 8)
            2 | 2 | '  abc 123 def 123  '.trim()
            11 | 23 | ['aa', 'bb', 'cc', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].join(' ')
            10 | 22 | ['aa', 'bb', 'cc', 'd', 'e', 'f', 'g', 'h', 'i', 'j'].join()
            2 | 2 | 'abc 123 def 123'.find('123')
            2 | 2 | 'abc 123 def 123'.findAll('123', 1)
            1 | 1 | format.named("dns1123Subdomain")
            34 | 34 | format.named("dns1123Subdomain").value().validate("my-name")
            5 | 11 | format.named("dns1123Label").value() == format.named("dns1123Label").value()
            """)
    void strings(long min, long max, String source) throws Exception {
        assertThat(estimate(source)).isEqualTo(new Estimate(min, max));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            2 | 2 | authorizer.path('/healthz')
            6 | 6 | authorizer.group('apps').resource('deployments').subresource('status').namespace('test').name('backend')
            350003 | 350003 | authorizer.path('/healthz').check('get').allowed()
            350007 | 350007 | authorizer.group('apps').resource('deployments').subresource('status').namespace('test').name('backend').check('create').allowed()
            1 | 1 | quantity("12Mi")
            1 | 1 | isQuantity("20")
            3 | 3 | quantity("200M") == quantity("200M")
            3 | 6 | quantity("200M") == quantity("0.2G") && quantity("0.2G") == quantity("200M")
            3 | 9 | quantity("2M") == quantity("2G") && quantity("2k") == quantity("2M") && quantity("2G") == quantity("2k")
            3 | 3 | quantity("50M").isLessThan(quantity("50Mi"))
            5 | 5 | quantity("50k").add(quantity("20")) == quantity("50.02k")
            7 | 7 | quantity("50k").add(20).sub(quantity("100k")).sub(-50000).asInteger() > 0
            3 | 3 | quantity("50.703k").asApproximateFloat() > 0.0
            """)
    void authorizersAndQuantities(long min, long max, String source) throws Exception {
        assertThat(estimate(source)).isEqualTo(new Estimate(min, max));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            21 | sets.contains([], [])
            22 | sets.contains([1], [1])
            29 | sets.contains([1, 2, 3, 4], [2, 3])
            53 | sets.contains([[1], [2, 3]], [[2, 3]])
            23 | !sets.contains([1], [2])
            39 | sets.equivalent([1, 2, 3], [3u, 2.0, 1])
            69 | sets.equivalent([[1.0], [2, 3]], [[1], [2, 3.0]])
            27 | sets.intersects([1, 2], [2u, 2, 2.0])
            """)
    void sets(long cost, String source) throws Exception {
        assertThat(estimate(source)).isEqualTo(Estimate.exactly(cost));
    }

    /** As written out each would have its target twice, and so on. */
    @Test
    void targetsOfTargetsAreEstimatedOnce() throws Exception {
        // Twice the target, and 14 besides.
        assertThat(estimate("optional.of(1).optMap(v, v)").max()).isEqualTo(2 * 1 + 14);
        assertThat(estimate("optional.of(1).optMap(v, v).optMap(v, v)").max()).isEqualTo(2 * 16 + 14);
        assertThat(Long.compareUnsigned(
                        estimate("optional.of(1)" + ".optMap(v, v)".repeat(40)).max(), 1L << 40))
                .isPositive();
    }

    @Test
    void keysOfPatches() throws Exception {
        assertThat(Expression.compile("jsonpatch.escapeKey('abc/def~ abc/def~')", ENVIRONMENT.constructing())
                        .estimate())
                .isEqualTo(Estimate.exactly(2));
    }

    /** TestSize of the same file. */
    @ParameterizedTest
    @CsvSource({
        "3, 3, 0, 0, 1, 1, 7, 7",
        "3, 3, 1, 1, 0, 0, 0, 3",
        "4, 4, 2, 2, 4, 4, 4, 8",
        "4, 4, 0, 1, 0, 2, 0, 14",
        "4, 4, 1, 1, 1, 2, 4, 8"
    })
    void replacedStringsHaveTheSizeThatFollows(
            long min, long max, long fromMin, long fromMax, long toMin, long toMax, long least, long most) {
        assertThat(FunctionCosts.replaced(
                        new Estimate(min, max), new Estimate(fromMin, fromMax), new Estimate(toMin, toMax)))
                .isEqualTo(new Estimate(least, most));
    }
}
