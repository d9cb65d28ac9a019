import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.h2.H2Database;
import de.bwaldvogel.mongo.bson.Document;
import java.util.List;
import org.h2.mvstore.MVMap;
import org.h2.mvstore.MVStore;

/** A database that uses its indexes like MongoDB, as far as this product needs it. */
class IndexedDatabase extends H2Database {
  /**
   * One per process. It is static, because the superclass's constructor already opens collections.
   */
  private static MVStore store;

  IndexedDatabase(String name, MVStore opened, CursorRegistry cursors) {
    super(name, store = opened, cursors);
  }

  @Override
  protected Index<Object> openOrCreateSecondaryIndex(
      String collection, String name, List<IndexKey> keys, boolean isSparse) {
    return new PrefixIndex(name, keys, isSparse);
  }

  /** Does what the superclass does, with another kind of collection. */
  @Override
  protected MongoCollection<Object> openOrCreateCollection(String name, CollectionOptions options) {
    String fullName = getFullCollectionNamespace(name);
    MVMap<Object, Document> documents = store.openMap("databases." + fullName);
    MVMap<String, Object> meta = store.openMap("meta." + fullName);
    return new IndexedCollection(this, name, options, documents, meta, cursorRegistry);
  }
}
