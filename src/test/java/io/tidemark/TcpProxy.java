package io.tidemark;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.tidemark.postgres.PgDatabase;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A proxy on loopback that lets everything through, or nothing: neither data nor the end of a
 * connection, as a network that drops packets.
 */
public final class TcpProxy implements AutoCloseable {
  private static final int BUFFER_BYTES = 64 << 10;
  private static final String SIGNS_IN_TO_REPLICATE = "\0replication\0database\0";

  private static final Pattern PORT = Pattern.compile("127\\.0\\.0\\.1:(\\d+)");

  private final ServerSocket listener;
  private final int serverPort;
  private final Set<Link> links = ConcurrentHashMap.newKeySet();
  private final Object gate = new Object();
  private boolean isHanging;
  private boolean isHangingReplication;

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

  /** In front of a database's server. */
  public static TcpProxy to(PgDatabase database) {
    Matcher port = PORT.matcher(database.url());
    if (!port.find()) {
      throw new IllegalStateException("a database of a test is on loopback");
    }
    return new TcpProxy(Integer.parseInt(port.group(1)));
  }

  /** The same database, through this proxy. */
  public PgDatabase through(PgDatabase database) {
    return new PgDatabase(
        database.connection(),
        PORT.matcher(database.url()).replaceFirst("127.0.0.1:" + port()),
        database.username(),
        database.password());
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

  /** From now on nothing passes of replication streams; sessions for statements go on. */
  public void hangReplication() {
    synchronized (gate) {
      isHangingReplication = true;
    }
  }

  /** Lets through what was held back, and what comes. */
  public void resume() {
    synchronized (gate) {
      isHanging = false;
      isHangingReplication = false;
      gate.notifyAll();
    }
  }

  /**
   * Of the connections that there are, none lets anything through any more, not even its end; new
   * ones do. As a firewall that has dropped its state.
   */
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
    private volatile boolean isReplication;

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
          // A session says what it is for when it signs in.
          isReplication |= new String(buffer, 0, read, ISO_8859_1).contains(SIGNS_IN_TO_REPLICATE);
          passGate(this);
          if (!isForgotten) {
            out.write(buffer, 0, read);
            out.flush();
          }
        }
      } catch (IOException e) {
        // One end was reset, which is an end as well.
        passEnd();
        return;
      }
      passEnd();
    }

    private void passEnd() {
      passGate(this);
      if (!isForgotten) {
        end();
      }
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

  private void passGate(Link link) {
    synchronized (gate) {
      while (isHanging || isHangingReplication && link.isReplication) {
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
