package dev.coppice.kernel;

/** An entry of a mailbox that is not a message itself, but leads to one. */
sealed interface KernelMail permits Signal, Activation.Watched, MailTimer {}
