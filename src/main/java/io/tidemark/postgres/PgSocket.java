package io.tidemark.postgres;

import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketException;

/**
 * A session's socket that knows since when somebody waits for it: to read what the server has not
 * sent yet, or to write what it does not take.
 */
final class PgSocket extends Socket {
  private static final long NOT_WAITING = 0;

  private final Object waitLock = new Object();
  private long waitingSince = NOT_WAITING;
  private long waitNumber;
  private int idleLooks;
  private volatile boolean hasTimeout;
  private volatile int backend;
  private volatile boolean hasFailed;
  private volatile Runnable onCut = () -> {};
  private volatile Runnable onLost = () -> {};

  /**
   * The server process of the session, once it is known.
   *
   * @param pid of the server process
   * @param lost is run once the socket is closed after a failure: the server may not know
   */
  void serves(int pid, Runnable lost) {
    backend = pid;
    onLost = lost;
  }

  /** Names what is run once the socket was cut off. */
  void whenCut(Runnable action) {
    onCut = action;
  }

  int backend() {
    return backend;
  }

  /** For how long somebody waits now; 0 if nobody does, or with a time limit of its own. */
  long waitingNanos() {
    synchronized (waitLock) {
      return waitingSince == NOT_WAITING || hasTimeout ? 0 : System.nanoTime() - waitingSince;
    }
  }

  /** Another one for each wait. */
  long waitNumber() {
    synchronized (waitLock) {
      return waitNumber;
    }
  }

  /**
   * Notes a look at the server, and answers how many in a row, in this wait, have found that it
   * does not work for who waits.
   */
  int idleLooks(boolean isWorkedFor) {
    synchronized (waitLock) {
      idleLooks = isWorkedFor ? 0 : idleLooks + 1;
      return idleLooks;
    }
  }

  /** Ends the wait with a failure. */
  void cut() throws IOException {
    close();
    onCut.run();
  }

  @Override
  public void close() throws IOException {
    super.close();
    if (hasFailed) {
      onLost.run();
    }
  }

  private IOException failed(IOException failure) {
    hasFailed = true;
    if (isClosed()) {
      onLost.run();
    }
    return failure;
  }

  @Override
  public void setSoTimeout(int timeout) throws SocketException {
    hasTimeout = timeout > 0;
    super.setSoTimeout(timeout);
  }

  private void begin() {
    synchronized (waitLock) {
      waitingSince = System.nanoTime();
      waitNumber++;
      idleLooks = 0;
    }
  }

  private void end() {
    synchronized (waitLock) {
      waitingSince = NOT_WAITING;
    }
  }

  @Override
  public InputStream getInputStream() throws IOException {
    return new FilterInputStream(super.getInputStream()) {
      @Override
      public int read() throws IOException {
        begin();
        try {
          return in.read();
        } catch (IOException e) {
          throw failed(e);
        } finally {
          end();
        }
      }

      @Override
      public int read(byte[] bytes, int offset, int length) throws IOException {
        begin();
        try {
          return in.read(bytes, offset, length);
        } catch (IOException e) {
          throw failed(e);
        } finally {
          end();
        }
      }
    };
  }

  @Override
  public OutputStream getOutputStream() throws IOException {
    return new FilterOutputStream(super.getOutputStream()) {
      @Override
      public void write(int one) throws IOException {
        begin();
        try {
          out.write(one);
        } catch (IOException e) {
          throw failed(e);
        } finally {
          end();
        }
      }

      @Override
      public void write(byte[] bytes, int offset, int length) throws IOException {
        begin();
        try {
          out.write(bytes, offset, length);
        } catch (IOException e) {
          throw failed(e);
        } finally {
          end();
        }
      }
    };
  }
}
