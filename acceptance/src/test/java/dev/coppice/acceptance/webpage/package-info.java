/** An operator as the samples of the Java Operator SDK are written, for {@code OperatorSdkTest}. */
@org.jspecify.annotations.NullMarked
package dev.coppice.acceptance.webpage;
