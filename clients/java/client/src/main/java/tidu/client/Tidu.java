package tidu.client;

import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import tidu.v1.AccessServiceGrpc;
import tidu.v1.AdminServiceGrpc;
import tidu.v1.AppendRequest;
import tidu.v1.AppendResponse;
import tidu.v1.CursorServiceGrpc;
import tidu.v1.Event;
import tidu.v1.GetStatusRequest;
import tidu.v1.GetStatusResponse;
import tidu.v1.LedgerServiceGrpc;
import tidu.v1.ProofServiceGrpc;
import tidu.v1.RegisterServiceGrpc;

/**
 * A connection to a server. It has the generated services, and may be used by many threads.
 *
 * <pre>{@code
 * try (Tidu tidu = Tidu.connect(new ConnectOptions());
 *     Follow follow = tidu.follow(new FollowOptions())) {
 *   while (follow.hasNext()) {
 *     Batch batch = follow.next();
 *   }
 * }
 * }</pre>
 */
public final class Tidu implements AutoCloseable {
  /** How long an append goes on where the caller does not say it. */
  public static final Duration APPEND_TIMEOUT = Duration.ofSeconds(60);

  private static final Duration STATUS_TIMEOUT = Duration.ofSeconds(10);
  private static final Duration ATTEMPT_TIMEOUT = Duration.ofSeconds(30);

  private final Connection connection;

  private Tidu(ConnectOptions options) {
    connection = new Connection(options);
  }

  /**
   * Checks the options and the files. The connection itself is made by the first call.
   *
   * @throws IllegalArgumentException if an option or a file cannot be used
   */
  public static Tidu connect(ConnectOptions options) {
    return new Tidu(options);
  }

  /** The log's id and size, and how the server does. */
  public GetStatusResponse status() {
    try {
      return admin()
          .withDeadlineAfter(STATUS_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)
          .getStatus(GetStatusRequest.getDefaultInstance());
    } catch (RuntimeException thrown) {
      throw TiduException.of(thrown);
    }
  }

  /** Records events under a random request id, for at most {@link #APPEND_TIMEOUT}. */
  public AppendResponse append(List<Event> events) {
    return append(UUID.randomUUID().toString(), events, APPEND_TIMEOUT);
  }

  /**
   * Records events. It repeats the call until there is an answer, until an error comes that a
   * repetition cannot help, or until the time is over. The server records a request id once,
   * however often it comes; store it before the call where the program may be killed in between.
   */
  public AppendResponse append(String requestId, List<Event> events, Duration timeout) {
    AppendRequest request =
        AppendRequest.newBuilder().setRequestId(requestId).addAllEvents(events).build();
    long end = System.nanoTime() + timeout.toNanos();
    for (Pauses pauses = new Pauses(); ; ) {
      TiduException failure;
      long left = end - System.nanoTime();
      try {
        return ledger()
            .withDeadlineAfter(Math.min(left, ATTEMPT_TIMEOUT.toNanos()), TimeUnit.NANOSECONDS)
            .append(request);
      } catch (RuntimeException thrown) {
        failure = TiduException.of(thrown);
      }
      Duration pause = pauses.next(failure.retryAfter());
      if (!failure.retryable()
          || failure.code() == Status.Code.ABORTED
          || pause.toNanos() >= end - System.nanoTime()) {
        throw failure;
      }
      try {
        TimeUnit.NANOSECONDS.sleep(pause.toNanos());
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
        throw failure;
      }
      // By default, gRPC's own pause between connections grows to two minutes.
      connection.current().resetConnectBackoff();
    }
  }

  /**
   * Delivers the log in order, each event once, and goes on for ever: it connects again after every
   * fault that may pass. Close it to end it.
   */
  public Follow follow(FollowOptions options) {
    return new Follow(connection, options);
  }

  public LedgerServiceGrpc.LedgerServiceBlockingStub ledger() {
    return LedgerServiceGrpc.newBlockingStub(connection);
  }

  public RegisterServiceGrpc.RegisterServiceBlockingStub register() {
    return RegisterServiceGrpc.newBlockingStub(connection);
  }

  public CursorServiceGrpc.CursorServiceBlockingStub cursor() {
    return CursorServiceGrpc.newBlockingStub(connection);
  }

  public ProofServiceGrpc.ProofServiceBlockingStub proof() {
    return ProofServiceGrpc.newBlockingStub(connection);
  }

  public AdminServiceGrpc.AdminServiceBlockingStub admin() {
    return AdminServiceGrpc.newBlockingStub(connection);
  }

  public AccessServiceGrpc.AccessServiceBlockingStub access() {
    return AccessServiceGrpc.newBlockingStub(connection);
  }

  @Override
  public void close() {
    connection.close();
  }
}
