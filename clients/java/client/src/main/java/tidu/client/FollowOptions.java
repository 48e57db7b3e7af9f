package tidu.client;

import com.google.protobuf.ByteString;
import java.time.Duration;
import java.util.function.BiConsumer;
import java.util.logging.Logger;
import tidu.v1.EventFilter;

/** Where a follow begins and what it delivers. By default: the whole log from its first event. */
public final class FollowOptions {
  /** The digest of an empty copy. */
  public static final ByteString EMPTY_DIGEST = ByteString.copyFrom(new byte[32]);

  private static final Logger LOG = Logger.getLogger("tidu.client");

  long fromPosition;
  String logId = "";
  long epoch;
  EventFilter filter = EventFilter.getDefaultInstance();
  ByteString digest;
  Duration heartbeat = Duration.ofSeconds(10);
  Long stopPosition;
  boolean gaps;
  BiConsumer<TiduException, Duration> onRetry =
      (error, pause) ->
          LOG.warning(
              String.format(
                  "%s; connecting again in %.1f s", error.getMessage(), pause.toMillis() / 1000.0));

  /** The next position of the last batch that is stored. */
  public FollowOptions fromPosition(long position) {
    fromPosition = position;
    return this;
  }

  /** The log that the copy is of. Empty: that of the first answer. */
  public FollowOptions logId(String id) {
    logId = id;
    return this;
  }

  /** The highest epoch that was stored. A node of a lower one has been succeeded, and is left. */
  public FollowOptions epoch(long known) {
    epoch = known;
    return this;
  }

  /** The events to deliver. An empty filter chooses all. */
  public FollowOptions filter(EventFilter filter) {
    this.filter = filter;
    return this;
  }

  /** The digest of the copy below {@code fromPosition}, 32 bytes; digests are compared then. */
  public FollowOptions digest(ByteString digest) {
    this.digest = digest;
    return this;
  }

  /** The heartbeat to ask of the server, 1 s to 300 s. */
  public FollowOptions heartbeat(Duration heartbeat) {
    this.heartbeat = heartbeat;
    return this;
  }

  /** Ends the follow once everything below this position came. */
  public FollowOptions stopPosition(long position) {
    stopPosition = position;
    return this;
  }

  /** Allows positions to be missing without a filter, as for a reader to whom events are hidden. */
  public FollowOptions gaps(boolean allowed) {
    gaps = allowed;
    return this;
  }

  /** Is called before each pause; as it is made, it warns in the log {@code tidu.client}. */
  public FollowOptions onRetry(BiConsumer<TiduException, Duration> action) {
    onRetry = action;
    return this;
  }
}
