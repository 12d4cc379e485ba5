package dev.coppice.server;

/** What a node answers in place of the areas while another node leads and runs them. */
interface Standby {

    /** From now on another node leads. Does nothing when it is open. */
    void open();

    /** From now on this node leads, and the areas answer themselves. */
    void close();
}
