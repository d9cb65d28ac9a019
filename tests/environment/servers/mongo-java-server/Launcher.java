import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import io.netty.channel.Channel;
import java.util.List;
import org.h2.mvstore.MVStore;

/**
 * Launcher PORT [FILE [ADDRESS]]: serves the database FILE, or one in memory, on 127.0.0.1:PORT
 * until its standard input ends. With an ADDRESS it serves there until it is asked to stop, and
 * admits only the user in MONGO_INITDB_ROOT_USERNAME and MONGO_INITDB_ROOT_PASSWORD, if these are
 * set.
 */
public class Launcher {
  private static final int CACHE_MB = 512;

  /** The server's own versions have a wire version that current drivers refuse. */
  record Version(List<Integer> getVersionArray, int getWireVersion) implements MongoVersion {}

  static class Backend extends H2Backend {
    private final ScramLogin login;

    /** All documents of a run stay in memory, because reloading one costs more than the query. */
    Backend(String file, ScramLogin login) {
      super(new MVStore.Builder().fileName(file).cacheSize(CACHE_MB).open());
      this.login = login;
    }

    Backend() {
      super(new MVStore.Builder().open());
      this.login = null;
    }

    @Override
    protected MongoDatabase openOrCreateDatabase(String name) {
      return new IndexedDatabase(name, getMvStore(), getCursorRegistry());
    }

    @Override
    public Document handleCommand(Channel channel, String database, String name, Document query) {
      if (login == null) return super.handleCommand(channel, database, name, query);
      return login.handle(
          channel, name, query, () -> super.handleCommand(channel, database, name, query));
    }

    @Override
    public void handleClose(Channel channel) {
      if (login != null) login.forget(channel);
      super.handleClose(channel);
    }
  }

  public static void main(String[] args) throws Exception {
    boolean isOpen = args.length > 2;
    ScramLogin login = isOpen ? ScramLogin.fromEnvironment() : null;
    Backend backend = args.length > 1 ? new Backend(args[1], login) : new Backend();
    backend.version(new Version(List.of(7, 0, 0), 21));
    MongoServer server = new MongoServer(backend);
    server.bind(isOpen ? args[2] : "127.0.0.1", Integer.parseInt(args[0]));
    // Writes the rest to the file when the process is asked to stop.
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    if (isOpen) Thread.currentThread().join();
    // Standard input ends when the parent process ends for any reason.
    while (System.in.read() >= 0) {}
    System.exit(0);
  }
}
