package dev.coppice.health.control;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.coppice.health.kind.HealthCheckSpec;
import dev.coppice.schema.RecordMapper;
import org.junit.jupiter.api.Test;

/** What a plan is told about changes of checks. */
class CheckActionsTest {
    private static HealthCheckSpec check(String json) throws JsonProcessingException {
        return RecordMapper.toRecord(new ObjectMapper().readTree(json.replace('\'', '"')), HealthCheckSpec.class);
    }

    private static final String HTTP = "'http':{'url':'http://a.test/'}";

    @Test
    void aNewCheckStartsAndOneThatIsGoneStops() throws Exception {
        HealthCheckSpec spec = check("{" + HTTP + ",'interval':'10s'}");
        assertThat(CheckActions.of(null, spec)).containsExactly("will start probing http://a.test/ every 10s");
        assertThat(CheckActions.of(spec, null)).containsExactly("will stop probing http://a.test/");
        assertThat(CheckActions.of(spec, spec)).isEmpty();
        assertThat(CheckActions.of(null, check("{'heartbeat':{}}")))
                .containsExactly("will start waiting for heartbeats, expected every 30s");
        assertThat(CheckActions.of(null, check("{'composite':{'checks':['a','b'],'rule':'Any'},'interval':'1m'}")))
                .containsExactly("will start summing up any of a, b every 1m");
        assertThat(CheckActions.of(null, check("{'tcp':{'host':'a.test','port':22}}")))
                .containsExactly("will start probing a.test:22 (tcp) every 30s");
    }

    @Test
    void pausesAreTold() throws Exception {
        HealthCheckSpec runs = check("{" + HTTP + "}");
        HealthCheckSpec paused = check("{" + HTTP + ",'paused':true}");
        assertThat(CheckActions.of(runs, paused)).containsExactly("will pause probing http://a.test/");
        assertThat(CheckActions.of(paused, runs)).containsExactly("will resume probing http://a.test/ every 30s");
        assertThat(CheckActions.of(null, paused)).containsExactly("will wait: the check is paused");
        assertThat(CheckActions.of(paused, null)).isEmpty();
    }

    @Test
    void changesAreTold() throws Exception {
        HealthCheckSpec before = check("{" + HTTP + "}");
        assertThat(CheckActions.of(before, check("{'http':{'url':'http://b.test/'}}")))
                .containsExactly("will stop probing http://a.test/ and start probing http://b.test/ every 30s");
        assertThat(CheckActions.of(before, check("{" + HTTP + ",'interval':'1m'}")))
                .containsExactly("will go on probing http://a.test/ every 1m instead of every 30s");
        assertThat(CheckActions.of(before, check("{'http':{'url':'http://a.test/','method':'HEAD'}}")))
                .containsExactly("will go on probing http://a.test/ every 30s, with other conditions");
        assertThat(CheckActions.of(before, check("{" + HTTP + ",'severity':'info'}")))
                .containsExactly("will tell of failures as info instead of critical");
    }
}
