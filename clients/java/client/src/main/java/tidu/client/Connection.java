package tidu.client;

import io.grpc.CallCredentials;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientCall;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.TlsChannelCredentials;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Arrays;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import javax.net.ssl.KeyManagerFactory;

/** A channel that becomes another one when the files of its credentials change. */
final class Connection extends Channel {
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private final ConnectOptions options;
  private final boolean secure;
  private final String address;
  private ManagedChannel current;
  private long filesStamp;
  private boolean closed;

  /** Refuses what would be unsafe or without effect, and reads the files. */
  Connection(ConnectOptions options, String server) {
    this.options = options;
    secure = server.startsWith("https://");
    address = server.replaceFirst("^https?://", "").replaceFirst("/$", "");
    String host = host(server, address);
    boolean local = Arrays.asList("localhost", "127.0.0.1", "[::1]").contains(host);
    boolean certificates =
        Stream.of(options.caFile, options.certFile, options.keyFile, options.pkcs12File)
            .anyMatch(path -> path != null);
    if (!secure && certificates) {
      throw new IllegalArgumentException(
          "server " + server + ": plaintext uses no certificates; give https://HOST:PORT");
    }
    if (!secure && options.tokenFile != null && !local) {
      throw new IllegalArgumentException(
          "server " + server + ": everybody could read the token; give https://HOST:PORT");
    }
    if ((options.certFile == null) != (options.keyFile == null)) {
      throw new IllegalArgumentException("a certificate and its key belong together");
    }
    if (options.certFile != null && options.pkcs12File != null) {
      throw new IllegalArgumentException("give a certificate in PEM or in PKCS#12, not both");
    }
    if (options.pkcs12File == null && options.pkcs12PasswordFile != null) {
      throw new IllegalArgumentException("a password needs a PKCS#12 file");
    }
    try {
      filesStamp = stamp();
      current = open();
      if (options.tokenFile != null) {
        token();
      }
    } catch (IOException unreadable) {
      close();
      throw new IllegalArgumentException(text(unreadable), unreadable);
    }
  }

  private static String host(String server, String address) {
    try {
      URI uri = new URI("https://" + address);
      String port = ":" + uri.getPort();
      // Neither a user nor a path nor a query.
      if (uri.getHost() != null && uri.getPort() >= 0 && address.equals(uri.getHost() + port)) {
        return uri.getHost();
      }
    } catch (URISyntaxException wrong) {
      // said below
    }
    throw new IllegalArgumentException(
        "server " + server + ": give HOST:PORT or https://HOST:PORT");
  }

  /** A channel of its own; whoever opens it shuts it down. */
  ManagedChannel open() throws IOException {
    try {
      return Grpc.newChannelBuilder(address, credentials())
          .keepAliveTime(30, TimeUnit.SECONDS)
          .keepAliveTimeout(10, TimeUnit.SECONDS)
          .build();
    } catch (RuntimeException | GeneralSecurityException wrong) {
      throw new IOException("the certificates or the key: " + wrong.getMessage(), wrong);
    }
  }

  /** The options of each call: the token, which is read for each. */
  CallOptions callOptions(CallOptions given) {
    return options.tokenFile == null ? given : given.withCallCredentials(new Bearer());
  }

  @Override
  public <Q, A> ClientCall<Q, A> newCall(MethodDescriptor<Q, A> method, CallOptions given) {
    return current().newCall(method, callOptions(given));
  }

  @Override
  public String authority() {
    return current().authority();
  }

  synchronized void close() {
    closed = true;
    if (current != null) {
      current.shutdownNow();
    }
  }

  /** The channel with the files as they are now; calls on the one before go on to their ends. */
  synchronized ManagedChannel current() {
    long now = stamp();
    if (now != filesStamp && !closed) {
      try {
        ManagedChannel next = open();
        current.shutdown();
        current = next;
        filesStamp = now;
      } catch (IOException inReplacement) {
        return current; // the next call looks again
      }
    }
    return current;
  }

  private long stamp() {
    return Stream.of(
            options.caFile,
            options.certFile,
            options.keyFile,
            options.pkcs12File,
            options.pkcs12PasswordFile)
        .filter(path -> path != null)
        .mapToLong(path -> new File(path).lastModified() * 31 + new File(path).length())
        .reduce(1, (all, one) -> 31 * all + one);
  }

  private ChannelCredentials credentials() throws IOException, GeneralSecurityException {
    if (!secure) {
      return InsecureChannelCredentials.create();
    }
    TlsChannelCredentials.Builder builder = TlsChannelCredentials.newBuilder();
    if (options.caFile != null) {
      builder.trustManager(bytes(options.caFile));
    }
    if (options.certFile != null) {
      builder.keyManager(bytes(options.certFile), bytes(options.keyFile));
    }
    if (options.pkcs12File != null) {
      builder.keyManager(pkcs12().getKeyManagers());
    }
    return builder.build();
  }

  private KeyManagerFactory pkcs12() throws IOException, GeneralSecurityException {
    String path = options.pkcs12PasswordFile;
    char[] password = path == null ? new char[0] : line(path).toCharArray();
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(bytes(options.pkcs12File), password);
    KeyManagerFactory factory =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(store, password);
    return factory;
  }

  private String token() throws IOException {
    return line(options.tokenFile);
  }

  /** The sentence of an error about a file; Java's own has the name of the file only. */
  static String text(IOException error) {
    boolean named = error instanceof FileSystemException;
    return named ? "cannot read " + error.getMessage() : error.getMessage();
  }

  private static ByteArrayInputStream bytes(String path) throws IOException {
    return new ByteArrayInputStream(Files.readAllBytes(Paths.get(path)));
  }

  private static String line(String path) throws IOException {
    return new String(Files.readAllBytes(Paths.get(path)), StandardCharsets.UTF_8).trim();
  }

  private final class Bearer extends CallCredentials {
    @Override
    public void applyRequestMetadata(RequestInfo call, Executor executor, MetadataApplier applier) {
      executor.execute(
          () -> {
            try {
              Metadata headers = new Metadata();
              headers.put(AUTHORIZATION, "Bearer " + token());
              applier.apply(headers);
            } catch (IOException inReplacement) {
              applier.fail(Status.UNAVAILABLE.withDescription(text(inReplacement)));
            }
          });
    }
  }
}
