package tidu.client;

/**
 * Where the server is, and who the caller is. All files are read again when they change, so a
 * renewed one needs no restart.
 */
public final class ConnectOptions {
  /** Where {@code tidu serve} listens. */
  public static final String DEFAULT_SERVER = "127.0.0.1:50051";

  String server = DEFAULT_SERVER;
  String caFile;
  String certFile;
  String keyFile;
  String pkcs12File;
  String pkcs12PasswordFile;
  String tokenFile;

  /**
   * {@code HOST:PORT} or {@code http://HOST:PORT}: plaintext; {@code https://HOST:PORT}: TLS. Several
   * nodes of one log stand with commas between them: {@code follow}, {@code append} and {@code
   * status} move to the next one when one does not answer.
   */
  public ConnectOptions server(String server) {
    this.server = server;
    return this;
  }

  /** The CAs to trust, in PEM. Without it: those of the Java runtime. */
  public ConnectOptions caFile(String path) {
    caFile = path;
    return this;
  }

  /** The client's certificate, in PEM; it needs a key. */
  public ConnectOptions certFile(String path) {
    certFile = path;
    return this;
  }

  /** The key, in PEM: PKCS#8 without a password, which begins with BEGIN PRIVATE KEY. */
  public ConnectOptions keyFile(String path) {
    keyFile = path;
    return this;
  }

  /** The client's certificate and its key in one PKCS#12 file, in place of two PEM files. */
  public ConnectOptions pkcs12File(String path) {
    pkcs12File = path;
    return this;
  }

  /** The password of the PKCS#12 file; without it, the empty one. */
  public ConnectOptions pkcs12PasswordFile(String path) {
    pkcs12PasswordFile = path;
    return this;
  }

  /** A token or a JSON Web Token. */
  public ConnectOptions tokenFile(String path) {
    tokenFile = path;
    return this;
  }
}
