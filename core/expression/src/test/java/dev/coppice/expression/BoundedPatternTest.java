package dev.coppice.expression;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.re2j.PatternSyntaxException;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class BoundedPatternTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "((((a{1,100}){1,100}){1,100}){1,100})",
                "(((x{100}){100}){100}){100}",
                "\\Q[\\E(((x{100}){100}){100}){100}",
                "\\Q(\\E(((x{100}){100}){100}){100}",
                "[](](((x{100}){100}){100}){100}",
                "((a|b|c){1000}){1000}"
            })
    void refusesWhatExplodesBeforeItIsCompiled(String pattern) {
        assertThatThrownBy(() -> BoundedPattern.compile(pattern, 10_000))
                .isInstanceOf(PatternSyntaxException.class)
                .hasMessageContaining("too large");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "^(a+)+$",
                "^([0-9]{1,3}\\.){3}[0-9]{1,3}$",
                "[[:alpha:]]{1,63}",
                "\\Qa(b{c[\\E+",
                "a{b}",
                "x{1000}",
                "\\{1000}"
            })
    void compilesWhatIsOrdinary(String pattern) {
        assertThat(BoundedPattern.compile(pattern, 10_000).pattern()).isEqualTo(pattern);
    }
}
