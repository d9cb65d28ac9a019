import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import java.util.List;
import org.h2.mvstore.MVStore;

/**
 * Launcher PORT [FILE]: serves the database FILE, or one in memory, on 127.0.0.1:PORT until its
 * standard input ends.
 */
public class Launcher {
  private static final int CACHE_MB = 512;

  /** The server's own versions state a wire version that current drivers refuse. */
  record Version(List<Integer> getVersionArray, int getWireVersion) implements MongoVersion {}

  static class Backend extends H2Backend {
    /** All of a run's documents stay in memory: one that was dropped costs more than the query. */
    Backend(String file) {
      super(new MVStore.Builder().fileName(file).cacheSize(CACHE_MB).open());
    }

    Backend() {
      super(new MVStore.Builder().open());
    }

    @Override
    protected MongoDatabase openOrCreateDatabase(String name) {
      return new IndexedDatabase(name, getMvStore(), getCursorRegistry());
    }
  }

  public static void main(String[] args) throws Exception {
    Backend backend = args.length > 1 ? new Backend(args[1]) : new Backend();
    backend.version(new Version(List.of(7, 0, 0), 21));
    MongoServer server = new MongoServer(backend);
    server.bind("127.0.0.1", Integer.parseInt(args[0]));
    // What is not in the file yet when the process is asked to end is written then.
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
    // The end of standard input is the end of whoever started this, however it ended.
    while (System.in.read() >= 0) {}
    System.exit(0);
  }
}
