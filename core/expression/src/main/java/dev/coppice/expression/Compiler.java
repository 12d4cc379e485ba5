package dev.coppice.expression;

import dev.cel.common.CelAbstractSyntaxTree;
import dev.cel.common.CelIssue;
import dev.cel.common.CelOptions;
import dev.cel.common.CelValidationException;
import dev.cel.common.CelValidationResult;
import dev.cel.common.ast.CelReference;
import dev.cel.common.types.CelType;
import dev.cel.common.types.SimpleType;
import dev.cel.compiler.CelCompiler;
import dev.cel.compiler.CelCompilerBuilder;
import dev.cel.compiler.CelCompilerFactory;
import dev.cel.extensions.CelExtensions;
import dev.cel.parser.CelStandardMacro;
import dev.cel.runtime.CelEvaluationException;
import dev.cel.runtime.CelRuntime;
import dev.cel.runtime.CelRuntimeBuilder;
import dev.cel.runtime.CelRuntimeFactory;
import dev.cel.runtime.CelStandardFunctions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Compiles for one environment. The first instance loads the CEL library. */
final class Compiler {

    private static final int DEEPEST_NESTING = 64;

    private final Environment environment;
    private final CelCompiler compiler;
    private final Structs structs = new Structs();
    private final Map<String, SchemaType> types = new LinkedHashMap<>();

    Compiler(Environment environment) {
        this.environment = environment;
        // Type names start with what no identifier has: or else self.spec could mean the type of that name.
        environment.variables().forEach((name, type) -> types.put(name, SchemaType.of(type, "@" + name, structs)));
        CelCompilerBuilder builder = CelCompilerFactory.standardCelCompilerBuilder()
                .setOptions(options(environment.limits()))
                .setStandardMacros(CelStandardMacro.STANDARD_MACROS)
                .addLibraries(CelExtensions.optional(), CelExtensions.comprehensions())
                .addFunctionDeclarations(Runtime.LIBRARY.declarations())
                .setTypeProvider(structs);
        types.forEach((name, type) -> builder.addVar(name, type.cel()));
        if (environment.constructs()) {
            builder.addFunctionDeclarations(Constructions.declarations());
        }
        CelType result = SchemaType.of(environment.result(), "@result", structs).cel();
        if (!result.equals(SimpleType.DYN)) {
            builder.setResultType(result);
        }
        this.compiler = builder.build();
    }

    private static CelOptions options(Limits limits) {
        return CelOptions.current()
                .enableOptionalSyntax(true)
                .enableTimestampEpoch(true)
                .enableHeterogeneousNumericComparisons(true)
                .maxExpressionCodePointSize(limits.sourceLength())
                .maxParseExpressionNodeCount(limits.nodes())
                .maxParseRecursionDepth(DEEPEST_NESTING)
                .maxRegexProgramSize(Regexes.LARGEST_PROGRAM)
                .build();
    }

    Compiled compile(String source, Set<String> bound) throws InvalidExpressionException {
        checkSource(source);
        try {
            CelValidationResult result = compilerOf(source).compile(source);
            if (result.hasError()) {
                throw invalid(source, result);
            }
            CelAbstractSyntaxTree tree = result.getAst();
            CelRuntime runtime = environment.constructs() ? Constructing.RUNTIME : Runtime.RUNTIME;
            CostEstimator.Sizes sizes = environment.sizes();
            // Not kept: the syntax tree, which is bigger than all the rest.
            Estimate estimate = sizes == null ? null : CostEstimator.of(tree, sizes, bound);
            return new Compiled(source, runtime.createProgram(tree), types, variables(tree), estimate);
        } catch (CelValidationException | CelEvaluationException | IllegalArgumentException e) {
            throw invalid(source, String.valueOf(e.getMessage()), "");
        } catch (StackOverflowError e) {
            throw invalid(source, "the expression nests too deeply", "split it up");
        }
    }

    /** What may be constructed depends on the expression: its objects have the fields that it names. */
    private CelCompiler compilerOf(String source) {
        return environment.constructs()
                ? compiler.toCompilerBuilder()
                        .setTypeProvider(Constructions.of(structs, source))
                        .build()
                : compiler;
    }

    private void checkSource(String source) throws InvalidExpressionException {
        int limit = environment.limits().sourceLength();
        int length = source.codePointCount(0, source.length());
        if (length > limit) {
            throw invalid(
                    source, "the expression has " + length + " characters; the most is " + limit, "make it shorter");
        }
        int depth = Nesting.of(source);
        if (depth > DEEPEST_NESTING) {
            throw invalid(
                    source,
                    "the expression nests " + depth + " brackets deep; the most is " + DEEPEST_NESTING,
                    "split it up");
        }
        if (source.isBlank()) {
            throw invalid(source, "the expression is empty", "write one, such as `true`");
        }
    }

    private Set<String> variables(CelAbstractSyntaxTree tree) {
        return tree.getReferenceMap().values().stream()
                .map(CelReference::name)
                .filter(types::containsKey)
                .collect(Collectors.toUnmodifiableSet());
    }

    private static InvalidExpressionException invalid(String source, String message, String advice) {
        return new InvalidExpressionException(source, List.of(new Problem(0, 0, message, advice)), "ERROR: " + message);
    }

    private InvalidExpressionException invalid(String source, CelValidationResult result) {
        List<Problem> problems = new ArrayList<>();
        for (CelIssue issue : result.getErrors()) {
            int line = issue.getSourceLocation().getLine();
            int column = issue.getSourceLocation().getColumn();
            boolean placed = line > 0;
            problems.add(new Problem(
                    placed ? line : 0, placed ? column + 1 : 0, issue.getMessage(), advice(issue.getMessage())));
        }
        return new InvalidExpressionException(source, problems, result.getErrorString());
    }

    private String advice(String message) {
        if (message.startsWith("undeclared reference")) {
            return types.isEmpty()
                    ? "no variables are known here"
                    : "known variables: " + String.join(", ", types.keySet());
        }
        if (message.startsWith("undefined field")) {
            return "check the spelling against the schema; `has(x.field)` tests optional fields";
        }
        if (message.startsWith("found no matching overload")) {
            return "convert with int(), double(), string() or dyn(), or use another function";
        }
        if (message.startsWith("expected type")) {
            return "the expression has to result in another type";
        }
        if (message.contains("yntax error") || message.contains("token recognition")) {
            return "see https://cel.dev for the syntax";
        }
        return "";
    }

    /** What all environments share: functions and the runtime that plans programs. */
    private static final class Runtime {
        static final Library LIBRARY = Library.kubernetes();
        static final CelRuntime RUNTIME = builder().build();

        static CelRuntimeBuilder builder() {
            return CelRuntimeFactory.plannerRuntimeBuilder()
                    .setOptions(options(Limits.DEFAULT))
                    .setStandardFunctions(CelStandardFunctions.newBuilder()
                            .excludeFunctions(CelStandardFunctions.StandardFunction.MATCHES)
                            .build())
                    .addLibraries(CelExtensions.optional(), CelExtensions.comprehensions())
                    .addFunctionBindings(LIBRARY.bindings());
        }
    }

    /** The runtime of expressions that construct. */
    private static final class Constructing {
        static final CelRuntime RUNTIME = Runtime.builder()
                .addFunctionBindings(Constructions.bindings())
                .setTypeProvider(Constructions.ofAll())
                .setValueProvider(Constructions.values())
                .build();
    }
}
