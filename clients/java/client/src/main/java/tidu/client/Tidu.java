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
 * A connection to a server. It has the generated services, of the first node if there are several,
 * and may be used by many threads.
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

  private final Nodes nodes;

  private Tidu(ConnectOptions options) {
    nodes = new Nodes(options);
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
    for (int left = nodes.count(); ; left--) {
      long turn = nodes.turn();
      try {
        return AdminServiceGrpc.newBlockingStub(nodes.at(turn))
            .withDeadlineAfter(STATUS_TIMEOUT.toMillis(), TimeUnit.MILLISECONDS)
            .getStatus(GetStatusRequest.getDefaultInstance());
      } catch (RuntimeException thrown) {
        TiduException failure = TiduException.of(thrown);
        if (left <= 1 || !failure.retryable()) {
          throw failure;
        }
      }
      nodes.leave(turn);
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
      long turn = nodes.turn();
      try {
        return LedgerServiceGrpc.newBlockingStub(nodes.at(turn))
            .withDeadlineAfter(Math.min(left, ATTEMPT_TIMEOUT.toNanos()), TimeUnit.NANOSECONDS)
            .append(request);
      } catch (RuntimeException thrown) {
        failure = TiduException.of(thrown);
      }
      Duration pause = pauses.next(failure.retryAfter());
      boolean elsewhere = nodes.count() > 1 && failure.forAnotherNode();
      if (!(failure.retryable() || elsewhere)
          || failure.code() == Status.Code.ABORTED
          || pause.toNanos() >= end - System.nanoTime()) {
        throw failure;
      }
      nodes.leave(turn);
      try {
        TimeUnit.NANOSECONDS.sleep(pause.toNanos());
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
        throw failure;
      }
      // By default, gRPC's own pause between connections grows to two minutes.
      nodes.at(turn).current().resetConnectBackoff();
    }
  }

  /**
   * Delivers the log in order, each event once, and goes on for ever: it connects again after every
   * fault that may pass. Close it to end it.
   */
  public Follow follow(FollowOptions options) {
    return new Follow(nodes, options);
  }

  public LedgerServiceGrpc.LedgerServiceBlockingStub ledger() {
    return LedgerServiceGrpc.newBlockingStub(nodes.first());
  }

  public RegisterServiceGrpc.RegisterServiceBlockingStub register() {
    return RegisterServiceGrpc.newBlockingStub(nodes.first());
  }

  public CursorServiceGrpc.CursorServiceBlockingStub cursor() {
    return CursorServiceGrpc.newBlockingStub(nodes.first());
  }

  public ProofServiceGrpc.ProofServiceBlockingStub proof() {
    return ProofServiceGrpc.newBlockingStub(nodes.first());
  }

  public AdminServiceGrpc.AdminServiceBlockingStub admin() {
    return AdminServiceGrpc.newBlockingStub(nodes.first());
  }

  public AccessServiceGrpc.AccessServiceBlockingStub access() {
    return AccessServiceGrpc.newBlockingStub(nodes.first());
  }

  @Override
  public void close() {
    nodes.close();
  }
}
