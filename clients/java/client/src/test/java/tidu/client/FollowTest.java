package tidu.client;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;
import tidu.v1.AppendRequest;
import tidu.v1.AppendResponse;
import tidu.v1.Event;
import tidu.v1.EventFilter;
import tidu.v1.LedgerServiceGrpc;
import tidu.v1.Progress;
import tidu.v1.RawEventBatch;
import tidu.v1.RecordedEvent;
import tidu.v1.SubscribeRequest;
import tidu.v1.SubscribeResponse;
import tidu.v1.Withheld;

/** A scripted server says what a real one never says. */
public class FollowTest {
  /** One for each subscription, in order. An attempt more, on a slow machine, gets the last. */
  private final ConcurrentLinkedQueue<Consumer<StreamObserver<SubscribeResponse>>> plays =
      new ConcurrentLinkedQueue<>();

  private volatile Consumer<StreamObserver<SubscribeResponse>> last;
  private final ConcurrentLinkedQueue<SubscribeRequest> requests = new ConcurrentLinkedQueue<>();
  private static final Throwable NONE = new Throwable();
  private final ConcurrentLinkedQueue<Throwable> answers = new ConcurrentLinkedQueue<>();
  private final List<String> appended = Collections.synchronizedList(new ArrayList<>());
  private final List<TiduException> retries = Collections.synchronizedList(new ArrayList<>());
  private final List<Batch> batches = new ArrayList<>();
  private Server server;
  private Tidu tidu;

  @Before
  public void start() throws Exception {
    server =
        Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
            .addService(
                new LedgerServiceGrpc.LedgerServiceImplBase() {
                  @Override
                  public void subscribe(
                      SubscribeRequest request, StreamObserver<SubscribeResponse> answer) {
                    requests.add(request);
                    Consumer<StreamObserver<SubscribeResponse>> next = plays.poll();
                    last = next == null ? last : next;
                    last.accept(answer);
                  }

                  @Override
                  public void append(
                      AppendRequest request, StreamObserver<AppendResponse> answer) {
                    appended.add(request.getRequestId());
                    Throwable failure = answers.remove();
                    if (failure != NONE) {
                      answer.onError(failure);
                      return;
                    }
                    answer.onNext(AppendResponse.newBuilder().setNextPosition(1).build());
                    answer.onCompleted();
                  }
                })
            .build()
            .start();
    tidu = Tidu.connect(new ConnectOptions().server("127.0.0.1:" + server.getPort()));
  }

  @After
  public void stop() {
    tidu.close();
    server.shutdownNow();
  }

  @Test
  public void eachWrongMessageEndsTheFollow() {
    FollowOptions other = new FollowOptions().logId("another");
    FollowOptions later = new FollowOptions().fromPosition(5);
    FollowOptions filter =
        new FollowOptions().filter(EventFilter.newBuilder().addProgrammes("little-giant").build());
    String unexpected = TiduException.POSITION_UNEXPECTED;
    requireEnd(unexpected, new FollowOptions(), progress(0), events(2, 1));
    requireEnd(unexpected, new FollowOptions(), progress(0), events(2, 0, 0));
    requireEnd(unexpected, filter, progress(4), events(4, 3));
    requireEnd(unexpected, later, progress(4));
    requireEnd(unexpected, new FollowOptions(), progress(1));
    requireEnd(unexpected, new FollowOptions(), progress(0), events(3, 0, 1));
    requireEnd(unexpected, new FollowOptions(), progress(0), withheld(1, ByteString.EMPTY));
    requireEnd(TiduException.LOG_ID_MISMATCH, other, progress(0));
    requireEnd(TiduException.DIGEST_MISMATCH, counted(), progress(0));
    SubscribeResponse wrong = progress(0, ByteString.copyFrom(new byte[31]));
    requireEnd(TiduException.DIGEST_MISMATCH, counted(), wrong);
    requireEnd(TiduException.PROTOCOL, new FollowOptions(), events(1, 0));
    SubscribeResponse empty = SubscribeResponse.getDefaultInstance();
    requireEnd(TiduException.PROTOCOL, new FollowOptions(), empty);
    ByteString broken = ByteString.copyFrom(new byte[] {(byte) 0xff});
    RawEventBatch.Builder batch = RawEventBatch.newBuilder().addLeaves(broken).setNextPosition(1);
    SubscribeResponse unreadable = SubscribeResponse.newBuilder().setRawEvents(batch).build();
    requireEnd(TiduException.PROTOCOL, new FollowOptions(), progress(0), unreadable);
  }

  @Test
  public void theDigestGoesOverEventsAndWithheldPlaces() throws Exception {
    ByteString hash = sha256("withheld".getBytes("UTF-8"), new byte[0]);
    ByteString first = sha256(new byte[1], leaf(0).toByteArray());
    ByteString digest = sha256(new byte[32], first.toByteArray());
    digest = sha256(digest.toByteArray(), hash.toByteArray());
    SubscribeResponse begin = progress(0, FollowOptions.EMPTY_DIGEST);
    say(begin, events(1, 0), withheld(1, hash), progress(2, digest));
    assertEquals("", end(counted().stopPosition(2)));
    assertEquals(4, batches.size());
    Batch last = batches.get(3);
    assertEquals(2, last.nextPosition);
    assertEquals(digest, last.digest);
    assertEquals("one", last.logId);
    assertEquals(1, batches.get(2).withheld.getPosition());
  }

  @Test
  public void retriesResumeWhereTheStreamEnded() {
    endWith(Status.UNAVAILABLE.asRuntimeException(), progress(0), events(2, 0, 1));
    say(progress(2), events(3, 2)); // an end without stopPosition is a broken stream
    endWith(denied(Code.UNAUTHENTICATED, "CREDENTIAL_EXPIRED", Collections.emptyMap()));
    Map<String, String> from = Collections.singletonMap("from_position", "1");
    endWith(denied(Code.ABORTED, "SCOPE_CHANGED", from));
    endWith(denied(Code.FAILED_PRECONDITION, "LOG_ID_MISMATCH", Collections.emptyMap()));
    assertEquals("LOG_ID_MISMATCH", end(new FollowOptions()));
    assertEquals(retries.toString(), 3, retries.size());
    Batch widened = batches.get(batches.size() - 1);
    assertEquals(Long.valueOf(1), widened.scopeChangedFrom);
    assertEquals(3, widened.nextPosition);
    for (long position : new long[] {0, 2, 3, 3, 3}) {
      assertEquals(position, requests.remove().getFromPosition());
    }
  }

  @Test
  public void silenceOfTheServerEndsAnAttempt() {
    plays.add(answer -> answer.onNext(progress(0)));
    endWith(denied(Code.OUT_OF_RANGE, "POSITION_BEYOND_LOG", Collections.emptyMap()));
    Duration heartbeat = Duration.ofMillis(200);
    assertEquals("POSITION_BEYOND_LOG", end(new FollowOptions().heartbeat(heartbeat)));
    assertEquals("UNAVAILABLE: no message came for 0.4 s", retries.get(0).getMessage());
  }

  @Test
  public void appendRepeatsUnderTheSameRequestId() {
    Throwable lost = Status.UNAVAILABLE.asRuntimeException();
    answers.addAll(Arrays.asList(lost, Status.DEADLINE_EXCEEDED.asRuntimeException(), NONE));
    List<Event> events = Collections.singletonList(Event.getDefaultInstance());
    assertEquals(1, tidu.append(events).getNextPosition());
    assertEquals(3, appended.size());
    assertEquals(1, new HashSet<>(appended).size());
    appended.clear();
    answers.add(denied(Code.ABORTED, "PRECONDITION_MOVED", Collections.emptyMap()));
    TiduException moved =
        assertThrows(
            TiduException.class, () -> tidu.append("mine", events, Tidu.APPEND_TIMEOUT));
    assertEquals("PRECONDITION_MOVED", moved.reason());
    assertEquals(Collections.singletonList("mine"), appended);
    answers.addAll(Collections.nCopies(1000, lost));
    Duration brief = Duration.ofMillis(50);
    assertThrows(TiduException.class, () -> tidu.append("", events, brief));
  }

  @Test
  public void aClientMovesToTheNextNode() {
    String port = ":" + server.getPort();
    // Nobody, and the scripted server under two names.
    String servers = "127.0.0.1:1, 127.0.0.1" + port + ",localhost" + port;
    try (Tidu several = Tidu.connect(new ConnectOptions().server(servers))) {
      Throwable follower =
          denied(Code.FAILED_PRECONDITION, "FOLLOWER", Collections.singletonMap("leader", "b"));
      answers.addAll(Arrays.asList(follower, NONE));
      List<Event> events = Collections.singletonList(Event.getDefaultInstance());
      assertEquals(1, several.append("one", events, Tidu.APPEND_TIMEOUT).getNextPosition());
      assertEquals(Arrays.asList("one", "one"), appended);
      // From one node to the next, each from where the last one was.
      endWith(Status.UNAVAILABLE.asRuntimeException(), progress(0), events(2, 0, 1));
      say(progress(2), events(3, 2));
      FollowOptions options = new FollowOptions().stopPosition(3).onRetry((e, p) -> retries.add(e));
      long next = 0;
      try (Follow follow = several.follow(options)) {
        while (follow.hasNext()) {
          Batch batch = follow.next();
          assertTrue(batch.nextPosition >= next);
          next = batch.nextPosition;
        }
      }
      assertEquals(3, next);
      assertEquals(0, requests.remove().getFromPosition());
      assertEquals(2, requests.remove().getFromPosition());
    }
    // A single node that takes no writes is the end.
    answers.add(denied(Code.FAILED_PRECONDITION, "FOLLOWER", Collections.emptyMap()));
    List<Event> none = Collections.emptyList();
    TiduException refused =
        assertThrows(TiduException.class, () -> tidu.append("x", none, Tidu.APPEND_TIMEOUT));
    assertEquals("FOLLOWER", refused.reason());
  }

  @Test
  public void closeEndsAFollowThatWaits() throws Exception {
    plays.add(answer -> answer.onNext(progress(0)));
    Follow follow = tidu.follow(new FollowOptions());
    assertTrue(follow.hasNext());
    follow.next();
    CountDownLatch ended = new CountDownLatch(1);
    new Thread(
            () -> {
              if (!follow.hasNext()) {
                ended.countDown();
              }
            })
        .start();
    follow.close();
    assertTrue(ended.await(60, TimeUnit.SECONDS));
  }

  @Test
  public void aFaultIsThrownOnceAndEndsTheFollow() {
    endWith(denied(Code.INVALID_ARGUMENT, "PROGRAMME_UNKNOWN", Collections.emptyMap()));
    Follow follow = tidu.follow(new FollowOptions());
    assertThrows(TiduException.class, follow::hasNext);
    assertFalse(follow.hasNext());
  }

  @Test
  public void someCodesAreRetried() {
    EnumSet<Status.Code> end =
        EnumSet.of(
            Status.Code.INVALID_ARGUMENT,
            Status.Code.NOT_FOUND,
            Status.Code.ALREADY_EXISTS,
            Status.Code.PERMISSION_DENIED,
            Status.Code.FAILED_PRECONDITION,
            Status.Code.OUT_OF_RANGE,
            Status.Code.UNIMPLEMENTED,
            Status.Code.DATA_LOSS,
            Status.Code.UNAUTHENTICATED);
    for (Status.Code code : Status.Code.values()) {
      if (code != Status.Code.OK) {
        assertEquals(code.name(), !end.contains(code), error(code, "", Duration.ZERO).retryable());
      }
    }
    Status.Code exhausted = Status.Code.RESOURCE_EXHAUSTED;
    assertFalse(error(exhausted, "LIMIT_EXCEEDED", Duration.ZERO).retryable());
    assertTrue(error(exhausted, "LIMIT_EXCEEDED", Duration.ofSeconds(1)).retryable());
  }

  @Test
  public void pausesGrowToTheirBound() {
    Pauses pauses = new Pauses();
    for (long ceiling : new long[] {100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000}) {
      long now = pauses.next(Duration.ZERO).toMillis();
      assertEquals(ceiling, pauses.ceilingMs);
      assertTrue(now + " ms", now >= 0 && now < ceiling);
    }
    assertEquals(Duration.ofMinutes(1), pauses.next(Duration.ofMinutes(1)));
  }

  @Test
  public void unsafeOptionsAreRefused() {
    String file = "pom.xml";
    for (ConnectOptions options :
        Arrays.asList(
            new ConnectOptions().server("ftp://127.0.0.1:1"),
            new ConnectOptions().server("127.0.0.1"),
            new ConnectOptions().server("https://user@127.0.0.1:1"),
            new ConnectOptions().server("https://127.0.0.1:1/path"),
            new ConnectOptions().server("192.0.2.1:1").tokenFile(file),
            new ConnectOptions().caFile(file),
            new ConnectOptions().pkcs12File(file),
            new ConnectOptions().server("https://127.0.0.1:1").certFile(file),
            new ConnectOptions().server("https://127.0.0.1:1").caFile(file),
            new ConnectOptions().server("https://127.0.0.1:1").caFile("missing.pem"),
            new ConnectOptions().server("https://127.0.0.1:1").pkcs12File(file),
            new ConnectOptions().server("https://127.0.0.1:1").pkcs12PasswordFile(file),
            new ConnectOptions().tokenFile("missing.token"))) {
      assertThrows(options.server, IllegalArgumentException.class, () -> Tidu.connect(options));
    }
    for (ConnectOptions options :
        Arrays.asList(
            new ConnectOptions().server("http://[::1]:1"),
            new ConnectOptions().server("https://example.org:1"),
            new ConnectOptions().server("localhost:1").tokenFile(file))) {
      Tidu.connect(options).close();
    }
  }

  private void requireEnd(String reason, FollowOptions options, SubscribeResponse... messages) {
    say(messages);
    assertEquals(reason, end(options));
    assertEquals(Collections.emptyList(), retries);
  }

  /** Follows until the end, and gives its reason; empty without an error. */
  private String end(FollowOptions options) {
    options.onRetry((error, pause) -> retries.add(error));
    batches.clear();
    try (Follow follow = tidu.follow(options)) {
      while (follow.hasNext()) {
        batches.add(follow.next());
      }
    } catch (TiduException error) {
      return error.reason();
    }
    return "";
  }

  private void say(SubscribeResponse... messages) {
    plays.add(
        answer -> {
          for (SubscribeResponse message : messages) {
            answer.onNext(message);
          }
          answer.onCompleted();
        });
  }

  private void endWith(Throwable error, SubscribeResponse... messages) {
    plays.add(
        answer -> {
          for (SubscribeResponse message : messages) {
            answer.onNext(message);
          }
          answer.onError(error);
        });
  }

  private static FollowOptions counted() {
    return new FollowOptions().digest(FollowOptions.EMPTY_DIGEST);
  }

  private static SubscribeResponse progress(long next) {
    return progress(next, ByteString.EMPTY);
  }

  private static SubscribeResponse progress(long next, ByteString digest) {
    Progress.Builder said = Progress.newBuilder().setNextPosition(next).setLogId("one");
    return SubscribeResponse.newBuilder().setProgress(said.setDigest(digest)).build();
  }

  private static ByteString leaf(long position) {
    return RecordedEvent.newBuilder().setPosition(position).build().toByteString();
  }

  private static SubscribeResponse events(long next, long... positions) {
    RawEventBatch.Builder said = RawEventBatch.newBuilder().setNextPosition(next);
    for (long position : positions) {
      said.addLeaves(leaf(position));
    }
    return SubscribeResponse.newBuilder().setRawEvents(said).build();
  }

  private static SubscribeResponse withheld(long position, ByteString hash) {
    Withheld.Builder said = Withheld.newBuilder().setPosition(position).setLeafHash(hash);
    return SubscribeResponse.newBuilder().setWithheld(said).build();
  }

  private static Throwable denied(Code code, String reason, Map<String, String> metadata) {
    ErrorInfo.Builder info = ErrorInfo.newBuilder().setDomain("tidu").setReason(reason);
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(code.getNumber())
            .addDetails(Any.pack(info.putAllMetadata(metadata).build()))
            .build());
  }

  private static TiduException error(Status.Code code, String reason, Duration retryAfter) {
    return new TiduException(code, reason, Collections.emptyMap(), "", retryAfter, null);
  }

  private static ByteString sha256(byte[] first, byte[] second) throws Exception {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    digest.update(first);
    return ByteString.copyFrom(digest.digest(second));
  }
}
