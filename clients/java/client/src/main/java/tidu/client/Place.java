package tidu.client;

import static tidu.client.TiduException.fault;

import com.google.protobuf.ByteString;
import com.google.protobuf.Duration;
import com.google.protobuf.InvalidProtocolBufferException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tidu.v1.Progress;
import tidu.v1.RawEventBatch;
import tidu.v1.RecordedEvent;
import tidu.v1.SubscribeRequest;
import tidu.v1.SubscribeResponse;

/** The place that a subscription has reached. It checks each message. */
final class Place {
  long next;

  private final FollowOptions options;
  private final boolean gaps;
  private String logId;
  private ByteString digest;
  private long epoch;
  private boolean caughtUp;
  private long logSize;

  /** True once this stream has named its log. */
  private boolean named;

  Place(FollowOptions options) {
    this.options = options;
    next = options.fromPosition;
    logId = options.logId;
    epoch = options.epoch;
    digest = options.digest;
    gaps = options.gaps || options.filter.getSerializedSize() > 0;
  }

  /** The request of the next stream. */
  SubscribeRequest request() {
    named = false;
    SubscribeRequest.Builder request =
        SubscribeRequest.newBuilder()
            .setFromPosition(next)
            .setLogId(logId)
            .setFilter(options.filter)
            .setRaw(true)
            .setHeartbeatInterval(
                Duration.newBuilder()
                    .setSeconds(options.heartbeat.getSeconds())
                    .setNanos(options.heartbeat.getNano()));
    if (options.stopPosition != null) {
      request.setStopPosition(options.stopPosition);
    }
    if (digest != null) {
      request.setDigest(digest);
    }
    return request.build();
  }

  boolean atStop() {
    return options.stopPosition != null && next >= options.stopPosition;
  }

  /** Checks a message and makes a batch of it. */
  Batch take(SubscribeResponse message) {
    Batch batch = new Batch();
    switch (message.getPayloadCase()) {
      case PROGRESS:
        takeProgress(message.getProgress());
        break;
      case RAW_EVENTS:
        batch.events = takeEvents(message.getRawEvents());
        batch.leaves = message.getRawEvents().getLeavesList();
        break;
      case WITHHELD:
        batch.withheld = message.getWithheld();
        boolean placed = batch.withheld.hasPosition();
        advance(placed, batch.withheld.getPosition(), batch.withheld.getLeafHash());
        break;
      default:
        throw protocol("a message without a known content came");
    }
    return fill(batch);
  }

  /** A batch that says that the caller's rights became wider. */
  Batch scopeChanged(TiduException failure) {
    Batch batch = fill(new Batch());
    String from = failure.metadata().get("from_position");
    batch.scopeChangedFrom = from == null ? null : Long.valueOf(from);
    return batch;
  }

  private Batch fill(Batch batch) {
    batch.nextPosition = next;
    batch.logId = logId;
    batch.epoch = epoch;
    batch.digest = digest;
    batch.caughtUp = caughtUp;
    batch.logSize = logSize;
    return batch;
  }

  private void takeProgress(Progress progress) {
    if (logId.isEmpty()) {
      logId = progress.getLogId();
    }
    if (!progress.getLogId().equals(logId)) {
      throw fault(
          TiduException.LOG_ID_MISMATCH,
          metadata("log_id", progress.getLogId(), "expected", logId),
          "the log is " + progress.getLogId() + ", not " + logId);
    }
    if (Long.compareUnsigned(progress.getEpoch(), epoch) < 0) {
      String found = Long.toUnsignedString(progress.getEpoch());
      String known = Long.toUnsignedString(epoch);
      throw TiduException.staleEpoch(
          metadata("epoch", found, "known_epoch", known),
          "the node is of epoch " + found + " and has been succeeded: epoch " + known
              + " is known");
    }
    epoch = progress.getEpoch();
    named = true;
    pass(progress.getNextPosition());
    if (digest != null && !progress.getDigest().equals(digest)) {
      String found = hex(progress.getDigest());
      Map<String, String> metadata = metadata("digest", found, "expected", hex(digest));
      metadata.put("next_position", Long.toString(next));
      throw fault(
          TiduException.DIGEST_MISMATCH,
          metadata,
          "below position " + next + ", the server's digest is " + found + " and the copy's "
              + hex(digest));
    }
    caughtUp = progress.getCaughtUp();
    logSize = progress.getLogSize();
  }

  private List<RecordedEvent> takeEvents(RawEventBatch batch) {
    List<RecordedEvent> events = new ArrayList<>(batch.getLeavesCount());
    for (ByteString leaf : batch.getLeavesList()) {
      try {
        RecordedEvent event = RecordedEvent.parseFrom(leaf);
        // RFC 6962: the hash of a leaf begins with a zero byte.
        ByteString hash = digest == null ? null : sha256(ByteString.copyFrom(new byte[1]), leaf);
        advance(event.hasPosition(), event.getPosition(), hash);
        events.add(event);
      } catch (InvalidProtocolBufferException wrong) {
        throw protocol("after position " + next + ": " + wrong.getMessage());
      }
    }
    pass(batch.getNextPosition());
    return Collections.unmodifiableList(events);
  }

  /** Passes one event: checks its position and continues the digest. */
  private void advance(boolean placed, long position, ByteString leafHash) {
    if (!named || !placed) {
      throw protocol("an event came before its log or without its position");
    }
    expect(position, "position");
    next = position + 1;
    if (digest != null) {
      digest = sha256(digest, leafHash);
    }
  }

  /** Goes to the next position of a message, over events that do not match. */
  private void pass(long position) {
    expect(position, "next_position");
    next = position;
  }

  /** Checks a position. With a filter there are gaps; positions never decrease. */
  private void expect(long found, String name) {
    if (found == next || found > next && gaps) {
      return;
    }
    throw fault(
        TiduException.POSITION_UNEXPECTED,
        metadata("position", Long.toString(found), "expected", Long.toString(next)),
        name + " " + found + " came, " + next + " was expected");
  }

  private static TiduException protocol(String message) {
    return fault(TiduException.PROTOCOL, Collections.emptyMap(), message);
  }

  private static Map<String, String> metadata(String key, String value, String other, String its) {
    Map<String, String> metadata = new HashMap<>();
    metadata.put(key, value);
    metadata.put(other, its);
    return metadata;
  }

  private static ByteString sha256(ByteString first, ByteString second) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(first.asReadOnlyByteBuffer());
      digest.update(second.asReadOnlyByteBuffer());
      return ByteString.copyFrom(digest.digest());
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException(impossible); // every Java runtime has SHA-256
    }
  }

  private static String hex(ByteString bytes) {
    StringBuilder text = new StringBuilder();
    for (byte one : bytes) {
      text.append(String.format("%02x", one));
    }
    return text.toString();
  }
}
