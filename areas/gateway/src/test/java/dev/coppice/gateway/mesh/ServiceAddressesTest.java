package dev.coppice.gateway.mesh;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.gateway.mesh.ServiceAddresses.Gets;
import dev.coppice.gateway.mesh.ServiceAddresses.Has;
import dev.coppice.gateway.mesh.ServiceAddresses.Outcome;
import dev.coppice.gateway.mesh.ServiceAddresses.Refused;
import dev.coppice.gateway.mesh.ServiceAddresses.Wanting;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class ServiceAddressesTest {
    private final ServiceAddresses addresses = new ServiceAddresses(AddressRange.parse("127.96.0.0/30"));

    private static Wanting service(String uid, String address) {
        return new Wanting(uid, "default/" + uid, address);
    }

    private static String reason(Outcome outcome) {
        return outcome instanceof Refused refused ? refused.reason() : outcome.toString();
    }

    @Test
    void theSameIsPromisedUntilItIsThere() {
        assertThat(addresses.assign(List.of(service("a", ""), service("b", ""))))
                .containsEntry("a", new Gets("127.96.0.1"))
                .containsEntry("b", new Gets("127.96.0.2"));
        assertThat(addresses.assign(List.of(service("b", ""), service("a", "127.96.0.1"))))
                .containsEntry("a", new Has("127.96.0.1"))
                .containsEntry("b", new Gets("127.96.0.2"));
    }

    @Test
    void whatAUserSetGoesBeforeWhatWasPromised() {
        assertThat(addresses.assign(List.of(service("a", "")))).containsEntry("a", new Gets("127.96.0.1"));
        assertThat(addresses.assign(List.of(service("a", ""), service("user", "127.96.0.1"))))
                .containsEntry("user", new Has("127.96.0.1"))
                .containsEntry("a", new Gets("127.96.0.2"));
    }

    @Test
    void ofTwoWithOneAddressTheOlderHasIt() {
        Map<String, Outcome> all =
                addresses.assign(List.of(service("old", "127.96.0.2"), service("young", "127.96.0.2")));
        assertThat(all).containsEntry("old", new Has("127.96.0.2"));
        assertThat(all.get("young")).isInstanceOfSatisfying(Refused.class, refused -> {
            assertThat(refused.reason()).isEqualTo("ClusterIPAlreadyAllocated");
            assertThat(refused.message()).contains("default/old", "127.96.0.2");
        });
    }

    @Test
    void whatIsNotInTheRangeIsTold() {
        Map<String, Outcome> all = addresses.assign(
                List.of(service("far", "10.0.0.1"), service("edge", "127.96.0.3"), service("rubbish", "x")));
        assertThat(reason(all.get("far"))).isEqualTo("ClusterIPOutOfRange");
        assertThat(reason(all.get("edge"))).isEqualTo("ClusterIPNotValid");
        assertThat(reason(all.get("rubbish"))).isEqualTo("ClusterIPOutOfRange");
    }

    @Test
    void aFullRangeIsToldAndHasRoomAgainWhenOneGoes() {
        List<Wanting> three = List.of(service("a", ""), service("b", ""), service("c", ""));
        assertThat(reason(addresses.assign(three).get("c"))).isEqualTo("ClusterIPNotAllocated");
        assertThat(addresses.assign(List.of(service("b", ""), service("c", ""))))
                .containsEntry("b", new Gets("127.96.0.2"))
                .containsEntry("c", new Gets("127.96.0.1"));
    }

    @Test
    void aFreedAddressIsTheLastToBeGivenAgain() {
        ServiceAddresses roomy = new ServiceAddresses(AddressRange.parse("127.96.0.0/29"));
        Map<String, Outcome> first = roomy.assign(List.of(service("a", "")));
        Map<String, Outcome> second = roomy.assign(List.of(service("b", "")));
        assertThat(first).containsEntry("a", new Gets("127.96.0.1"));
        assertThat(second).containsEntry("b", new Gets("127.96.0.2"));
    }

    @Test
    void afterARestartNewOnesComeAfterThoseThatAreThere() {
        assertThat(addresses.assign(List.of(service("a", "127.96.0.1"), service("b", ""))))
                .containsEntry("b", new Gets("127.96.0.2"));
    }

    @Test
    void noTwoEverHaveTheSameAndEachKeepsItsOwn() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        ServiceAddresses many = new ServiceAddresses(AddressRange.parse("127.96.0.0/27"));
        Map<String, String> written = new LinkedHashMap<>();
        int made = 0;
        for (int round = 0; round < 2_000; round++) {
            if (random.nextBoolean() && written.size() < 40) {
                written.put("s" + made++, "");
            } else if (!written.isEmpty()) {
                List<String> uids = List.copyOf(written.keySet());
                written.remove(uids.get(random.nextInt(uids.size())));
            }
            Map<String, Outcome> all = many.assign(written.entrySet().stream()
                    .map(each -> service(each.getKey(), each.getValue()))
                    .toList());
            Map<String, String> given = new HashMap<>();
            all.forEach((uid, outcome) -> {
                if (outcome instanceof Has has) {
                    given.put(uid, has.address());
                    assertThat(has.address()).as("seed %s", seed).isEqualTo(written.get(uid));
                } else if (outcome instanceof Gets gets) {
                    given.put(uid, gets.address());
                    if (random.nextBoolean()) {
                        written.put(uid, gets.address());
                    }
                }
            });
            assertThat(given.values().stream().collect(Collectors.toSet()))
                    .as("seed %s", seed)
                    .hasSize(given.size());
            assertThat(given).as("seed %s", seed).hasSize(Math.min(written.size(), 30));
        }
    }
}
