package tidu.client;

import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotSame;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertTrue;

import io.grpc.ManagedChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** Renewed files count without a restart. */
public class ConnectionTest {
  /** A certificate without a use: nobody has its key. */
  private static final String CERTIFICATE =
      "-----BEGIN CERTIFICATE-----\n"
          + "MIIBdjCCARugAwIBAgIURdETaAvBusakPK24NO1MwSKYiuowCgYIKoZIzj0EAwIw\n"
          + "DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjYyMDI3MTZaGA8yMTI2MTEwMjIwMjcx\n"
          + "NlowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOe7\n"
          + "xTo4YXY8j/scoUirBasxZd7IH27W676CuwUb6Vx6X4mVyHs+63XMuK7cTr1x6Tg+\n"
          + "ENjr1ju2ANThJOWWzoujUzBRMB0GA1UdDgQWBBTfPjiPIR9eNNsfHWR2xIi0Ezik\n"
          + "BDAfBgNVHSMEGDAWgBTfPjiPIR9eNNsfHWR2xIi0EzikBDAPBgNVHRMBAf8EBTAD\n"
          + "AQH/MAoGCCqGSM49BAMCA0kAMEYCIQCGnVZYf1SxCiv0bH9ZKh7hphQKBikEajt9\n"
          + "/mLDyNXy9gIhANP9RRVcF3PKpZZ3FmNiSSRwOq/mTVk+5BkWthv+iFgh\n"
          + "-----END CERTIFICATE-----\n";

  @Rule public final TemporaryFolder folder = new TemporaryFolder();

  @Test
  public void aChangedFileMakesAnotherChannel() throws Exception {
    Path file = folder.newFile("ca.pem").toPath();
    write(file, CERTIFICATE);
    Connection connection =
        new Connection(new ConnectOptions().caFile(file.toString()), "https://127.0.0.1:1");
    ManagedChannel first = connection.current();
    assertSame(first, connection.current());
    write(file, "half a certif");
    assertSame("a broken file keeps the channel", first, connection.current());
    assertFalse(first.isShutdown());
    Files.delete(file);
    assertSame("a missing file keeps the channel", first, connection.current());
    write(file, CERTIFICATE + CERTIFICATE);
    ManagedChannel second = connection.current();
    assertNotSame(first, second);
    assertTrue(first.isShutdown());
    connection.close();
    assertTrue(second.isShutdown());
    write(file, CERTIFICATE);
    assertSame("a closed connection stays closed", second, connection.current());
  }

  private static void write(Path file, String text) throws Exception {
    Files.write(file, text.getBytes(StandardCharsets.US_ASCII));
  }
}
