package tidu.copy;

import java.time.Duration;
import tidu.client.ConnectOptions;
import tidu.client.FollowOptions;
import tidu.v1.EventFilter;

/** The arguments of the program. */
final class Arguments {
  static final String USAGE =
      "Usage: java -jar copy.jar (--sqlite FILE | --postgres URL) [OPTIONS]\n"
          + "\n"
          + "  --server HOST:PORT           or https://…; else TIDU_SERVER, 127.0.0.1:50051\n"
          + "  --programme ID               only this programme (may be repeated)\n"
          + "  --authority CODE             only this authority (may be repeated)\n"
          + "  --ca-file FILE               the CAs to trust, in PEM\n"
          + "  --cert-file FILE             the client's certificate, in PEM\n"
          + "  --key-file FILE              its key, in PEM\n"
          + "  --pkcs12-file FILE           the certificate and its key, in PKCS#12\n"
          + "  --pkcs12-password-file FILE  the password of that file\n"
          + "  --token-file FILE            a token\n"
          + "  --heartbeat SECONDS          silence to ask of the server (default 10)\n"
          + "  --stop POSITION              the position to end at\n"
          + "  --log-id ID                  accept only this log\n";

  final ConnectOptions connect = new ConnectOptions();
  final FollowOptions follow = new FollowOptions();
  EventFilter filter;
  String sqlite;
  String postgres;

  private Arguments() {
    String server = System.getenv("TIDU_SERVER");
    if (server != null && !server.isEmpty()) {
      connect.server(server);
    }
    follow.onRetry(
        (error, pause) ->
            System.err.printf(
                "%s; connecting again in %.1f s%n", error.getMessage(), pause.toMillis() / 1000.0));
  }

  /** Null: the program was asked for its usage. */
  static Arguments of(String[] texts) {
    Arguments arguments = new Arguments();
    EventFilter.Builder filter = EventFilter.newBuilder();
    for (int i = 0; i < texts.length; i += 2) {
      if (texts[i].equals("--help") || texts[i].equals("-h")) {
        return null;
      }
      if (i + 1 == texts.length) {
        throw new IllegalArgumentException(texts[i] + " needs a value; see --help");
      }
      arguments.take(texts[i], texts[i + 1], filter);
    }
    if ((arguments.sqlite == null) == (arguments.postgres == null)) {
      throw new IllegalArgumentException("give --sqlite FILE or --postgres URL; see --help");
    }
    arguments.filter = filter.build();
    arguments.follow.filter(arguments.filter);
    return arguments;
  }

  private void take(String name, String value, EventFilter.Builder filter) {
    switch (name) {
      case "--sqlite":
        sqlite = value;
        break;
      case "--postgres":
        postgres = value;
        break;
      case "--server":
        connect.server(value);
        break;
      case "--programme":
        filter.addProgrammes(value);
        break;
      case "--authority":
        filter.addAuthorities(value);
        break;
      case "--ca-file":
        connect.caFile(value);
        break;
      case "--cert-file":
        connect.certFile(value);
        break;
      case "--key-file":
        connect.keyFile(value);
        break;
      case "--pkcs12-file":
        connect.pkcs12File(value);
        break;
      case "--pkcs12-password-file":
        connect.pkcs12PasswordFile(value);
        break;
      case "--token-file":
        connect.tokenFile(value);
        break;
      case "--heartbeat":
        follow.heartbeat(Duration.ofMillis(Math.round(Double.parseDouble(value) * 1000)));
        break;
      case "--stop":
        follow.stopPosition(Long.parseLong(value));
        break;
      case "--log-id":
        follow.logId(value);
        break;
      default:
        throw new IllegalArgumentException(name + " is not an option; see --help");
    }
  }
}
