@org.jspecify.annotations.NullMarked
package dev.coppice.gateway.control;
