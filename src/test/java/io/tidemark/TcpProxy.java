package io.tidemark;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Stands between a client and a server on loopback, and lets everything through, or nothing. */
public final class TcpProxy implements AutoCloseable {
  private static final int BUFFER_BYTES = 64 << 10;

  private final ServerSocket listener;
  private final int serverPort;
  private final Set<Link> links = ConcurrentHashMap.newKeySet();
  private final Object gate = new Object();
  private boolean isHanging;

  /**
   * @param serverPort on loopback
   */
  public TcpProxy(int serverPort) {
    this.serverPort = serverPort;
    try {
      listener = new ServerSocket(0, 0, InetAddress.getLoopbackAddress());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    start(this::accept);
  }

  public int port() {
    return listener.getLocalPort();
  }

  /** From now on nothing passes, and no connection ends: old ones and new ones alike. */
  public void hang() {
    synchronized (gate) {
      isHanging = true;
    }
  }

  /** Lets through what was held back, and what comes. */
  public void resume() {
    synchronized (gate) {
      isHanging = false;
      gate.notifyAll();
    }
  }

  /** Of the connections that there are, none lets anything through any more; new ones do. */
  public void forgetConnections() {
    links.forEach(link -> link.isForgotten = true);
  }

  /** Ends the connections that there are. */
  public void reset() {
    links.forEach(Link::end);
  }

  /** The connections that there are. */
  public int connections() {
    return links.size();
  }

  private static void start(Runnable work) {
    Thread thread = new Thread(work, "proxy");
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        Socket server = new Socket(InetAddress.getLoopbackAddress(), serverPort);
        Link link = new Link(client, server);
        links.add(link);
        start(() -> link.pump(client, server));
        start(() -> link.pump(server, client));
      } catch (IOException e) {
        // The proxy was closed, or the server is away: the client meets the same.
        continue;
      }
    }
  }

  private final class Link {
    private final Socket client;
    private final Socket server;
    private volatile boolean isForgotten;

    Link(Socket client, Socket server) {
      this.client = client;
      this.server = server;
    }

    void pump(Socket from, Socket to) {
      byte[] buffer = new byte[BUFFER_BYTES];
      try {
        InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream();
        for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
          passGate();
          if (!isForgotten) {
            out.write(buffer, 0, read);
            out.flush();
          }
        }
      } catch (IOException e) {
        // One end is gone: so is the other one then.
        end();
        return;
      }
      end();
    }

    void end() {
      links.remove(this);
      for (Socket socket : new Socket[] {client, server}) {
        try {
          socket.close();
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  private void passGate() {
    synchronized (gate) {
      while (isHanging) {
        try {
          gate.wait();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          return;
        }
      }
    }
  }

  @Override
  public void close() {
    try {
      listener.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    resume();
    reset();
  }
}
