package tidu.client;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** The nodes of one log, of which a client talks to one. It leaves one that does not do. */
final class Nodes {
  private final List<Connection> all = new ArrayList<>();

  /** Counts on; the node is the rest by their number. */
  private final AtomicLong turn = new AtomicLong();

  Nodes(ConnectOptions options) {
    try {
      for (String server : options.server.split(",", -1)) {
        all.add(new Connection(options, server.trim()));
      }
    } catch (IllegalArgumentException wrong) {
      close();
      throw wrong;
    }
  }

  int count() {
    return all.size();
  }

  Connection first() {
    return all.get(0);
  }

  long turn() {
    return turn.get();
  }

  /** The node of a turn. */
  Connection at(long turn) {
    return all.get((int) Long.remainderUnsigned(turn, all.size()));
  }

  /** Ends a turn, if it is still that one: several who find the same leave one node. */
  void leave(long left) {
    turn.compareAndSet(left, left + 1);
  }

  void close() {
    all.forEach(Connection::close);
  }
}
