package tidu.client;

import com.google.protobuf.ByteString;
import java.util.Collections;
import java.util.List;
import tidu.v1.RecordedEvent;
import tidu.v1.Withheld;

/** One message of the server. Heartbeats come as batches without events. */
public final class Batch {
  /** In order; may be empty. */
  public List<RecordedEvent> events = Collections.emptyList();

  /** The stored bytes of the events, in the same order. */
  public List<ByteString> leaves = Collections.emptyList();

  /** The place of an event that the caller may not read; null: none. */
  public Withheld withheld;

  /** Store it in the same transaction as the events, and {@code logId} and {@code digest} too. */
  public long nextPosition;

  public String logId;

  /** The epoch of the node: a promotion raises it. Store it too. */
  public long epoch;

  /** The digest after this batch; null if the options had none. */
  public ByteString digest;

  /** Whether the last progress had reached the end of the log. */
  public boolean caughtUp;

  /** The size of the log at the last progress. */
  public long logSize;

  /**
   * Set once after the caller's rights became wider: from this position on, earlier events may
   * match that did not before. Null: they did not.
   */
  public Long scopeChangedFrom;

  Batch() {}
}
