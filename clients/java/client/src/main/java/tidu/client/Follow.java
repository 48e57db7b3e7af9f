package tidu.client;

import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import tidu.v1.LedgerServiceGrpc;
import tidu.v1.SubscribeRequest;
import tidu.v1.SubscribeResponse;

/**
 * The batches of a subscription. {@code hasNext} waits for the next one; it throws a {@link
 * TiduException} for a fault that does not pass. It belongs to one thread; any may close it, and an
 * interrupt ends it, too.
 */
public final class Follow implements Iterator<Batch>, AutoCloseable {
  private final Nodes nodes;
  private final FollowOptions options;
  private final Place place;
  private final Pauses pauses = new Pauses();
  private final CountDownLatch closed = new CountDownLatch(1);

  private volatile Attempt attempt;
  private long attemptPosition;
  private long attemptBegan;
  private long attemptTurn;
  private Batch ready;
  private boolean ended;

  Follow(Nodes nodes, FollowOptions options) {
    this.nodes = nodes;
    this.options = options;
    this.place = new Place(options);
  }

  @Override
  public boolean hasNext() {
    while (ready == null && !ended) {
      try {
        step();
      } catch (InterruptedException interrupted) {
        close();
        Thread.currentThread().interrupt();
      }
      ended |= closed.getCount() == 0;
    }
    return ready != null && closed.getCount() > 0;
  }

  @Override
  public Batch next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    Batch batch = ready;
    ready = null;
    return batch;
  }

  /** Ends the follow; a thread that waits in hasNext gets false. */
  @Override
  public void close() {
    closed.countDown();
    Attempt open = attempt;
    if (open != null) {
      open.end();
    }
  }

  /** Gets a batch ready, or begins anew after a fault. */
  private void step() throws InterruptedException {
    TiduException failure;
    try {
      if (attempt == null) {
        begin();
      }
      SubscribeResponse message = attempt.receive();
      if (message == null) {
        ended = true;
        attempt.end();
      } else {
        ready = place.take(message);
        attempt.askForMore();
      }
      return;
    } catch (TiduException thrown) {
      failure = thrown;
    }
    if (attempt != null) {
      attempt.end();
      attempt = null;
    }
    if (closed.getCount() == 0) {
      return;
    }
    if (failure.code() == Status.Code.ABORTED && failure.reason().equals("SCOPE_CHANGED")) {
      ready = place.scopeChanged(failure);
      return;
    }
    boolean elsewhere = nodes.count() > 1 && failure.forAnotherNode();
    if (!failure.retryable() && !elsewhere) {
      ended = true;
      throw failure;
    }
    nodes.leave(attemptTurn);
    long livedMs = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - attemptBegan);
    if (livedMs >= Pauses.MAX_MS || place.next > attemptPosition) {
      pauses.reset();
    }
    Duration pause = pauses.next(failure.retryAfter());
    options.onRetry.accept(failure, pause);
    closed.await(pause.toMillis(), TimeUnit.MILLISECONDS);
  }

  private void begin() {
    attemptPosition = place.next;
    attemptBegan = System.nanoTime();
    attemptTurn = nodes.turn();
    Connection connection = nodes.at(attemptTurn);
    try {
      // A connection of its own, because a dead one would be used again.
      attempt = new Attempt(connection, place.request());
    } catch (IOException inReplacement) {
      // The files could be read at connect.
      throw TiduException.unavailable(Connection.text(inReplacement), inReplacement);
    }
    if (closed.getCount() == 0) {
      attempt.end();
    }
  }

  /** One stream. A queue holds one message of the server before it is asked for more. */
  private final class Attempt extends ClientCall.Listener<SubscribeResponse> {
    private final ManagedChannel channel;
    private final ClientCall<SubscribeRequest, SubscribeResponse> call;

    /** Messages, then the status. */
    private final LinkedBlockingQueue<Object> received = new LinkedBlockingQueue<>();

    Attempt(Connection connection, SubscribeRequest request) throws IOException {
      channel = connection.open();
      call =
          channel.newCall(
              LedgerServiceGrpc.getSubscribeMethod(), connection.callOptions(CallOptions.DEFAULT));
      call.start(this, new Metadata());
      call.sendMessage(request);
      call.halfClose();
      call.request(1);
    }

    void askForMore() {
      call.request(1);
    }

    /** The next message; null at stopPosition. Only this waiting counts as silence. */
    SubscribeResponse receive() throws InterruptedException {
      long silence = 2 * options.heartbeat.toMillis();
      Object found = received.poll(silence, TimeUnit.MILLISECONDS);
      if (found == null) {
        String seconds = BigDecimal.valueOf(silence, 3).stripTrailingZeros().toPlainString();
        throw TiduException.unavailable("no message came for " + seconds + " s", null);
      }
      if (found instanceof SubscribeResponse) {
        return (SubscribeResponse) found;
      }
      Throwable end = (Throwable) found;
      if (!Status.fromThrowable(end).isOk()) {
        throw TiduException.of(end);
      }
      if (!place.atStop()) {
        throw TiduException.unavailable("the stream ended", null);
      }
      return null;
    }

    void end() {
      call.cancel("the follow ends here", null);
      channel.shutdownNow();
    }

    @Override
    public void onMessage(SubscribeResponse message) {
      received.add(message);
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      received.add(status.asRuntimeException(trailers));
    }
  }
}
