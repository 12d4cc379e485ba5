package dev.coppice.probe;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;

/** An open connection to the pinned address, in clear or over TLS. Closing it never blocks past the attempt's deadline. */
final class Connection implements Closeable {
    private final Socket socket;
    private final InputStream input;
    private final OutputStream output;
    private final String protocol;

    Connection(Socket socket, String protocol) throws IOException {
        this.socket = socket;
        this.protocol = protocol;
        this.input = socket.getInputStream();
        this.output = socket.getOutputStream();
    }

    Socket socket() {
        return socket;
    }

    InputStream input() {
        return input;
    }

    OutputStream output() {
        return output;
    }

    /** What ALPN chose; empty when nothing. */
    String protocol() {
        return protocol;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
