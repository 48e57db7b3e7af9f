package tidu.client;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Pauses between attempts: random up to a ceiling that doubles, so that all clients of a server do
 * not come back at once.
 */
final class Pauses {
  static final long MIN_MS = 100;
  static final long MAX_MS = 10_000;

  long ceilingMs;

  Duration next(Duration least) {
    ceilingMs = Math.min(Math.max(2 * ceilingMs, MIN_MS), MAX_MS);
    Duration pause = Duration.ofMillis(ThreadLocalRandom.current().nextLong(ceilingMs));
    return pause.compareTo(least) < 0 ? least : pause;
  }

  void reset() {
    ceilingMs = 0;
  }
}
