@org.jspecify.annotations.NullMarked
package dev.coppice.control.history;
