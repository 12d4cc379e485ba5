package dev.coppice.gateway.kind;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What an API server takes of HTTPRouteFilters, and what it refuses. */
class HttpRouteFilterSpecTest {
    private final SpecProblems specs = new SpecProblems(GatewayKinds.HTTP_ROUTE_FILTER);

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{directResponse: {}}",
                "{when: 'true', pathTemplate: '/a/{b}', requestHeaderModifier: {set: [{name: A, value: '{path.b}'}], remove: [B]}}",
                "{urlRewrite: {hostname: {type: Header, header: X-Host}}}",
                "{urlRewrite: {hostname: {type: Template, template: 'a.{host}'}, query: {remove: ['a[]']}}}",
                "{urlRewrite: {path: {type: ReplaceRegexMatch, replaceRegexMatch: {pattern: '^/a', substitution: ''}}}}",
                "{urlRewrite: {path: {type: ReplaceTemplate, replaceTemplate: '/v2{path}'}}, responseHeaderModifier: {add: [{name: A, value: b}]}}",
                "{directResponse: {statusCode: 404, contentType: 'text/html; charset=utf-8', body: {inline: '<b>', template: true}}}",
                "{directResponse: {body: {type: ValueRef, valueRef: {group: '', kind: ConfigMap, name: page}}}}",
                "{files: {configMap: {name: site, items: [{key: a, path: b/c.html}]}, fallback: b/c.html}}",
                "{files: {directory: site/public, index: ''}}",
                "{function: {module: {configMap: {name: a}}, config: text}}",
                "{function: {module: {configMap: {name: a, key: b.wasm}}, config: {a: [1]}, timeout: 500ms,"
                        + " maxMemoryBytes: 65536, maxBodyBytes: 0, maxConcurrent: 10, failOpen: true}}",
                "{extension: {name: Test, config: {a: [1, {b: c}]}, timeout: 500ms, maxConcurrent: 10, failOpen: true}}"
            })
    void goodOnesAreTaken(String spec) throws Exception {
        assertThat(specs.of(spec)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{} | must be given",
                "{when: 'true'} | must be given",
                "{directResponse: {}, files: {directory: a}} | give one of them",
                "{directResponse: {}, urlRewrite: {}} | are for backends",
                "{files: {directory: a}, requestHeaderModifier: {}} | are for backends",
                "{extension: {name: Test}, files: {directory: a}} | give one of them",
                "{extension: {name: Test, timeout: 0s}} | timeout must be",
                "{extension: {name: Test, timeout: 2m}} | timeout must be",
                "{extension: {name: Test, config: 5}} | config",
                "{function: {module: {}}} | configMap",
                "{function: {module: {configMap: {name: a}}}, files: {directory: a}} | give one of them",
                "{function: {module: {configMap: {name: a}}, timeout: 2m}} | timeout must be",
                "{function: {module: {configMap: {name: a}}, maxMemoryBytes: 65535}} | maxMemoryBytes",
                "{function: {module: {configMap: {name: a}}, maxBodyBytes: 1048577}} | maxBodyBytes",
                "{function: {module: {configMap: {name: a}}, maxConcurrent: 0}} | maxConcurrent",
                "{files: {}} | one of configMap and directory",
                "{files: {directory: '../a'}} | directory",
                "{files: {directory: '/a'}} | directory",
                "{files: {directory: 'a/.git'}} | directory",
                "{files: {directory: a, fallback: '../x'}} | fallback",
                "{files: {directory: a, index: 'a/b'}} | index",
                "{directResponse: {statusCode: 101}} | statusCode",
                "{directResponse: {contentType: text}} | contentType",
                "{directResponse: {body: {}}} | inline must be given",
                "{directResponse: {body: {type: ValueRef, valueRef: {kind: Secret, name: a}}}} | kind",
                "{urlRewrite: {hostname: {type: Header}}} | header must be given",
                "{urlRewrite: {path: {type: ReplaceTemplate}}} | replaceTemplate",
                "{urlRewrite: {path: {type: ReplaceTemplate, replaceTemplate: 'a'}}} | replaceTemplate",
                "{requestHeaderModifier: {set: [{name: 'a b', value: c}]}} | name"
            })
    void badOnesAreRefused(String spec, String problem) throws Exception {
        assertThat(specs.of(spec)).contains(problem);
    }
}
