package tidu.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;

/** An answer of the server, or a fault that the client found in one. */
public final class TiduException extends RuntimeException {
  /** An event came twice, or one is missing. */
  public static final String POSITION_UNEXPECTED = "POSITION_UNEXPECTED";

  /** The server has another log than the caller's copy. The server says so, too. */
  public static final String LOG_ID_MISMATCH = "LOG_ID_MISMATCH";

  /** The copy is not the server's log. */
  public static final String DIGEST_MISMATCH = "DIGEST_MISMATCH";

  /** A message came that the protocol does not allow. */
  public static final String PROTOCOL = "PROTOCOL";

  private final String reason;
  private final transient Map<String, String> metadata;
  private final Status.Code code;
  private final Duration retryAfter;

  TiduException(
      Status.Code code,
      String reason,
      Map<String, String> metadata,
      String message,
      Duration retryAfter,
      Throwable cause) {
    super((reason.isEmpty() ? code.name() : reason) + ": " + message, cause);
    this.code = code;
    this.reason = reason;
    this.metadata = metadata;
    this.retryAfter = retryAfter;
  }

  /** A broken connection, or a fault that may pass in the same way. */
  static TiduException unavailable(String message, Throwable cause) {
    return new TiduException(
        Status.Code.UNAVAILABLE, "", Collections.emptyMap(), message, Duration.ZERO, cause);
  }

  /** A fault that the client found. */
  static TiduException fault(String reason, Map<String, String> metadata, String message) {
    return new TiduException(
        Status.Code.DATA_LOSS, reason, metadata, message, Duration.ZERO, null);
  }

  /** The node has been succeeded. */
  static TiduException staleEpoch(Map<String, String> metadata, String message) {
    return new TiduException(
        Status.Code.FAILED_PRECONDITION, "STALE_EPOCH", metadata, message, Duration.ZERO, null);
  }

  /** Reads what a generated service threw. */
  public static TiduException of(Throwable thrown) {
    if (thrown instanceof TiduException) {
      return (TiduException) thrown;
    }
    Status status = Status.fromThrowable(thrown);
    String reason = "";
    Map<String, String> metadata = Collections.emptyMap();
    Duration retryAfter = Duration.ZERO;
    com.google.rpc.Status details = StatusProto.fromThrowable(thrown);
    try {
      for (Any detail : details == null ? Collections.<Any>emptyList() : details.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          ErrorInfo info = detail.unpack(ErrorInfo.class);
          if (info.getDomain().equals("tidu")) {
            reason = info.getReason();
            metadata = info.getMetadataMap();
          }
        } else if (detail.is(RetryInfo.class)) {
          com.google.protobuf.Duration delay = detail.unpack(RetryInfo.class).getRetryDelay();
          retryAfter = Duration.ofSeconds(delay.getSeconds(), delay.getNanos());
        }
      }
    } catch (InvalidProtocolBufferException unreadable) {
      thrown.addSuppressed(unreadable); // the code is known all the same
    }
    String message = status.getDescription() == null ? "" : status.getDescription();
    if (message.isEmpty() && status.getCause() != null) {
      message = status.getCause().toString();
    }
    return new TiduException(status.getCode(), reason, metadata, message, retryAfter, thrown);
  }

  /**
   * Is for branching: {@code LOG_ID_MISMATCH}. The reasons are those above and in
   * error_reason.proto, without their prefix. Empty where none was given.
   */
  public String reason() {
    return reason;
  }

  /** The values of the reason, as error_reason.proto documents them. */
  public Map<String, String> metadata() {
    return metadata == null ? Collections.emptyMap() : metadata;
  }

  /** The code of gRPC. */
  public Status.Code code() {
    return code;
  }

  /** The pause that the server asks for; zero: none. */
  public Duration retryAfter() {
    return retryAfter;
  }

  /** Whether this node takes no writes itself: its leader, or its successor, does. */
  boolean forAnotherNode() {
    return code == Status.Code.FAILED_PRECONDITION
        && Arrays.asList("FOLLOWER", "LOOPED", "RETIRED", "STALE_EPOCH").contains(reason);
  }

  /** Whether a repetition can help. A broken connection has several codes. */
  boolean retryable() {
    switch (code) {
      case INVALID_ARGUMENT:
      case NOT_FOUND:
      case ALREADY_EXISTS:
      case PERMISSION_DENIED:
      case FAILED_PRECONDITION:
      case OUT_OF_RANGE:
      case UNIMPLEMENTED:
      case DATA_LOSS:
        return false;
      case UNAUTHENTICATED:
        return reason.equals("CREDENTIAL_EXPIRED"); // the file may have a new one by now
      case RESOURCE_EXHAUSTED:
        return !reason.equals("LIMIT_EXCEEDED") || !retryAfter.isZero();
      default:
        return true;
    }
  }
}
