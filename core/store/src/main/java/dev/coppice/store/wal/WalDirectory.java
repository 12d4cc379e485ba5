package dev.coppice.store.wal;

import java.io.IOException;
import java.util.List;

/** Where the files of a log lie. Tests put one in its place whose disk fails or loses power. */
interface WalDirectory {

    List<String> names() throws IOException;

    /** Opens a file, and makes it when it does not exist. */
    WalFile open(String name) throws IOException;

    void delete(String name) throws IOException;

    /** Returns once names that were made and deleted are on disk. */
    void sync() throws IOException;
}
