package tidu.copy;

import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.util.JsonFormat;
import java.net.URI;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import tidu.client.Batch;
import tidu.client.Follow;
import tidu.client.FollowOptions;
import tidu.client.Tidu;
import tidu.client.TiduException;
import tidu.v1.Event;
import tidu.v1.EventFilter;
import tidu.v1.RecordedEvent;

/**
 * Keeps a copy of the log, or of a part of it, in SQLite or PostgreSQL. It may be killed at any
 * moment: each event is stored exactly once. Take it as the beginning of your own program.
 */
public final class Copy implements AutoCloseable {
  private final Connection db;
  private final String filter;
  private String logId = "";
  private long nextPosition;
  private ByteString digest = FollowOptions.EMPTY_DIGEST;

  public static void main(String[] texts) {
    int status = 1;
    try {
      Arguments arguments = Arguments.of(texts);
      if (arguments == null) {
        System.out.print(Arguments.USAGE);
      } else {
        run(arguments);
      }
      status = 0;
    } catch (IllegalArgumentException wrong) {
      System.err.println(wrong.getMessage());
      status = 2;
    } catch (TiduException | SQLException | IllegalStateException fault) {
      System.err.println(fault.getMessage());
    }
    System.exit(status);
  }

  private static void run(Arguments arguments) throws SQLException {
    try (Tidu tidu = Tidu.connect(arguments.connect);
        Copy copy = new Copy(arguments)) {
      arguments.follow.fromPosition(copy.nextPosition).digest(copy.digest);
      if (!copy.logId.isEmpty()) {
        arguments.follow.logId(copy.logId);
      }
      try (Follow follow = tidu.follow(arguments.follow)) {
        while (follow.hasNext()) {
          Batch batch = follow.next();
          copy.save(batch);
          if (batch.scopeChangedFrom != null) {
            System.err.println(
                "SCOPE_CHANGED: more is to be read from position " + batch.scopeChangedFrom);
          }
          if (!batch.events.isEmpty()) {
            System.out.println(
                batch.events.size() + " events, next position " + batch.nextPosition);
          }
        }
      }
    }
  }

  private Copy(Arguments arguments) throws SQLException {
    filter = text(arguments.filter);
    boolean sqlite = arguments.sqlite != null;
    db = sqlite ? sqlite(arguments.sqlite) : postgres(arguments.postgres);
    String number = sqlite ? "INTEGER" : "BIGINT";
    String bytes = sqlite ? "BLOB" : "BYTEA";
    try (Statement statement = db.createStatement()) {
      statement.execute(
          "CREATE TABLE IF NOT EXISTS events (position " + number + " PRIMARY KEY,"
              + " designee TEXT NOT NULL, kind TEXT NOT NULL, leaf " + bytes + " NOT NULL)");
      statement.execute(
          "CREATE TABLE IF NOT EXISTS place (id INTEGER PRIMARY KEY CHECK (id = 1),"
              + " log_id TEXT NOT NULL, filter TEXT NOT NULL, next_position " + number
              + " NOT NULL, digest " + bytes + " NOT NULL)");
      load(statement);
    } catch (SQLException | RuntimeException wrong) {
      db.close();
      throw wrong;
    }
    db.setAutoCommit(false);
  }

  private static Connection sqlite(String file) throws SQLException {
    Properties pragmas = new Properties();
    pragmas.put("journal_mode", "WAL");
    pragmas.put("synchronous", "FULL");
    pragmas.put("busy_timeout", "5000");
    return DriverManager.getConnection("jdbc:sqlite:" + file, pragmas);
  }

  /** Takes the URLs of PostgreSQL's own tools, too: JDBC has the user among the properties. */
  private static Connection postgres(String url) throws SQLException {
    if (url.startsWith("jdbc:")) {
      return DriverManager.getConnection(url);
    }
    URI uri = URI.create(url);
    Properties properties = new Properties();
    if (uri.getUserInfo() != null) {
      String[] user = uri.getUserInfo().split(":", 2);
      properties.put("user", user[0]);
      if (user.length > 1) {
        properties.put("password", user[1]);
      }
    }
    String port = uri.getPort() < 0 ? "" : ":" + uri.getPort();
    String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
    String jdbc = "jdbc:postgresql://" + uri.getHost() + port + uri.getRawPath() + query;
    return DriverManager.getConnection(jdbc, properties);
  }

  private void load(Statement statement) throws SQLException {
    try (ResultSet row =
        statement.executeQuery("SELECT log_id, filter, next_position, digest FROM place")) {
      if (!row.next()) {
        return;
      }
      // next_position is valid for one filter: a wider one would miss the events passed over.
      if (!row.getString(2).equals(filter)) {
        throw new IllegalStateException(
            "the database holds " + row.getString(2) + ", not " + filter
                + "; take another database for this filter");
      }
      logId = row.getString(1);
      nextPosition = row.getLong(3);
      digest = ByteString.copyFrom(row.getBytes(4));
    }
  }

  /** Stores events and place in one transaction: both or neither. */
  private void save(Batch batch) throws SQLException {
    boolean moved = batch.nextPosition != nextPosition || !batch.logId.equals(logId);
    if (batch.events.isEmpty() && !moved) {
      return;
    }
    // Without ON CONFLICT, an event that comes twice is an error and is not dropped silently.
    try (PreparedStatement insertEvent =
            db.prepareStatement(
                "INSERT INTO events (position, designee, kind, leaf) VALUES (?, ?, ?, ?)");
        PreparedStatement replacePlace =
            db.prepareStatement(
                "INSERT INTO place (id, log_id, filter, next_position, digest)"
                    + " VALUES (1, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
                    + " SET log_id = excluded.log_id, next_position = excluded.next_position,"
                    + " digest = excluded.digest")) {
      for (int i = 0; i < batch.events.size(); i++) {
        RecordedEvent event = batch.events.get(i);
        insertEvent.setLong(1, event.getPosition());
        insertEvent.setString(2, event.getEvent().getDesignee());
        insertEvent.setString(3, kind(event.getEvent()));
        insertEvent.setBytes(4, batch.leaves.get(i).toByteArray());
        insertEvent.addBatch();
      }
      insertEvent.executeBatch();
      replacePlace.setString(1, batch.logId);
      replacePlace.setString(2, filter);
      replacePlace.setLong(3, batch.nextPosition);
      replacePlace.setBytes(4, batch.digest.toByteArray());
      replacePlace.executeUpdate();
      db.commit();
    }
    logId = batch.logId;
    nextPosition = batch.nextPosition;
    digest = batch.digest;
  }

  /** Names the fact: designated. Empty for a fact that is newer than this program. */
  private static String kind(Event event) {
    return Event.getDescriptor().getRealOneofs().stream()
        .filter(oneof -> oneof.getName().equals("fact") && event.hasOneof(oneof))
        .map(oneof -> event.getOneofFieldDescriptor(oneof).getJsonName())
        .findAny()
        .orElse("");
  }

  private static String text(EventFilter filter) {
    try {
      return JsonFormat.printer().omittingInsignificantWhitespace().print(filter);
    } catch (InvalidProtocolBufferException impossible) {
      throw new IllegalStateException(impossible); // it holds no Any
    }
  }

  /** Closes the database; what was not committed is gone. */
  @Override
  public void close() throws SQLException {
    db.close();
  }
}
