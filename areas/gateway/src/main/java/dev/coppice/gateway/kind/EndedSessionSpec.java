package dev.coppice.gateway.kind;

import dev.coppice.schema.Description;
import dev.coppice.schema.Enumeration;
import dev.coppice.schema.Length;
import dev.coppice.schema.Pattern;
import dev.coppice.schema.Required;
import dev.coppice.schema.Rule;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** That an issuer has ended sessions of one of its clients. */
@Required
@Rule(
        value = "has(self.hash) == (self.scope != 'All')",
        message = "hash must be given, unless scope is All; then it must be left out")
@Description("That an issuer has ended sessions of one of its clients. Who deletes it begins no session again.")
public record EndedSessionSpec(
        @Required @Length(min = 1, max = 2048) @Description("The issuer.")
        String issuer,

        @Required @Length(min = 1, max = 1024) @Description("Its client: clientID of the SecurityPolicy.")
        String clientID,

        @Required
        @Enumeration({"Session", "Subject", "SubjectWithoutSession", "All"})
        @Description(
                "Session: one. Subject: those of a subject until endedTime. SubjectWithoutSession: of these, those that the issuer gave no name. All: everybody's until endedTime.")
        String scope,

        @Pattern("^[A-Za-z0-9_-]{43}$")
        @Description("Of the session's or the subject's identifier, by SHA-256, in base64url.")
        @Nullable
        String hash,

        @Required @Description("When they ended.") Instant endedTime,

        @Required @Description("When none of them could be there any more.")
        Instant expirationTime) {}
