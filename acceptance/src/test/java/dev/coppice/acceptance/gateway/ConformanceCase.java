package dev.coppice.acceptance.gateway;

import java.util.List;

/**
 * What one test of the conformance suite asserts. Immutable.
 *
 * @param needs the features that the test is for
 * @param manifests what it applies first, as paths below {@code manifests/}
 * @param note what the data say in prose; empty for nothing
 * @param claims about the state of objects, in their order
 * @param exchanges requests with what they must give, in their order
 */
public record ConformanceCase(
        String name,
        List<String> needs,
        List<String> manifests,
        String note,
        List<Claim.Told> claims,
        List<Exchange> exchanges) {

    public ConformanceCase {
        needs = List.copyOf(needs);
        manifests = List.copyOf(manifests);
        claims = List.copyOf(claims);
        exchanges = List.copyOf(exchanges);
    }
}
