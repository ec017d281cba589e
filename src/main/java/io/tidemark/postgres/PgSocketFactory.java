package io.tidemark.postgres;

import java.net.InetAddress;
import java.net.Socket;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Makes the sockets of sessions. The driver makes it by its name, and knows nothing of whom it is
 * for: the thread that opens a session takes the socket from here.
 */
public final class PgSocketFactory extends SocketFactory {
  private static final ThreadLocal<@Nullable PgSocket> LAST = new ThreadLocal<>();

  /** The socket that this thread has made last; each is given once. */
  static @Nullable PgSocket takeLast() {
    PgSocket last = LAST.get();
    LAST.remove();
    return last;
  }

  @Override
  public Socket createSocket() {
    PgSocket socket = new PgSocket();
    LAST.set(socket);
    return socket;
  }

  @Override
  public Socket createSocket(String host, int port) {
    throw unused();
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress local, int localPort) {
    throw unused();
  }

  @Override
  public Socket createSocket(InetAddress host, int port) {
    throw unused();
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) {
    throw unused();
  }

  private static UnsupportedOperationException unused() {
    return new UnsupportedOperationException("the driver connects its sockets itself");
  }
}
