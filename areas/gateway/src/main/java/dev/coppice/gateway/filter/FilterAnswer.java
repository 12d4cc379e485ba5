package dev.coppice.gateway.filter;

/** The head of an endpoint's answer, as it came. Immutable. */
public record FilterAnswer(int status, Headers headers) {}
