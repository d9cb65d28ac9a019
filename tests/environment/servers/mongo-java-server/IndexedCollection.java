import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.backend.ArrayFilters;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.QueryResult;
import de.bwaldvogel.mongo.backend.h2.H2Collection;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.oplog.Oplog;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.h2.mvstore.MVMap;

/**
 * Finds documents by the narrowest index, where the server would read all of them. Changes copies,
 * because an answer is written after the collection's lock is released and the server would change
 * its documents field by field in the meantime.
 */
class IndexedCollection extends H2Collection {
  /** True while the caller is about to change the documents it asks for. Guarded by the lock. */
  private boolean isChanging;

  IndexedCollection(
      MongoDatabase database,
      String name,
      CollectionOptions options,
      MVMap<Object, Document> documents,
      MVMap<String, Object> meta,
      CursorRegistry cursors) {
    super(database, name, options, documents, meta, cursors);
  }

  /** A unique index of several keys also serves queries for its first key. */
  @Override
  public void addIndex(Index<Object> index) {
    super.addIndex(index);
    if (index.isUnique() && index.getKeys().size() > 1) {
      super.addIndex(new PrefixIndex(toPrefixName(index.getName()), index.getKeys(), false));
    }
  }

  @Override
  public void dropIndex(String name) {
    super.dropIndex(name);
    getIndexes().removeIf(index -> index.getName().equals(toPrefixName(name)));
  }

  private static String toPrefixName(String name) {
    return name + "_prefix";
  }

  @Override
  public synchronized Document updateDocuments(
      Document selector,
      Document update,
      ArrayFilters filters,
      boolean isMulti,
      boolean isUpsert,
      Oplog oplog) {
    return change(
        () -> super.updateDocuments(selector, update, filters, isMulti, isUpsert, oplog));
  }

  @Override
  public synchronized Document findAndModify(Document query) {
    return change(() -> super.findAndModify(query));
  }

  private Document change(Supplier<Document> changing) {
    isChanging = true;
    try {
      return changing.get();
    } finally {
      isChanging = false;
    }
  }

  @Override
  protected QueryResult queryDocuments(
      Document query, Document order, int skip, int limit, int batch, Document fields) {
    QueryResult found = findDocuments(query, order, skip, limit, batch, fields);
    if (!isChanging) return found;
    List<Document> copies = new ArrayList<>();
    found.forEach(document -> copies.add(document.cloneDeeply()));
    return new QueryResult(copies);
  }

  private QueryResult findDocuments(
      Document query, Document order, int skip, int limit, int batch, Document fields) {
    Optional<List<Object>> positions =
        isNaturalDescending(order)
            ? Optional.empty()
            : findByKey(query)
                .or(() -> findInOrder(query, order, limit > 0 ? skip + limit : Long.MAX_VALUE))
                .or(() -> findByPrefix(query));
    if (positions.isPresent()) {
      return matchDocuments(query, positions.get(), order, skip, limit, batch, fields);
    }
    return matchDocuments(query, order, skip, limit, batch, fields);
  }

  /** Uses a unique index if the query names all its keys. */
  private Optional<List<Object>> findByKey(Document query) {
    for (Index<Object> index : getIndexes()) {
      if (!index.isUnique()) continue;
      Document part = new Document();
      for (var key : index.getKeys()) {
        if (PrefixIndex.isPlain(query.get(key.getKey()))) {
          part.put(key.getKey(), query.get(key.getKey()));
        }
      }
      Document wanted = part.size() == index.getKeys().size() ? part : query;
      if (index.canHandle(wanted)) {
        List<Object> positions = new ArrayList<>();
        index.getPositions(wanted).forEach(positions::add);
        return Optional.of(positions);
      }
    }
    return Optional.empty();
  }

  /** The limit. An index in the requested order is read no further than this. */
  private Optional<List<Object>> findInOrder(Document query, Document order, long most) {
    return prefixIndexes()
        .filter(index -> index.canWalk(query, order))
        .map(index -> index.walk(query, isDescending(order)))
        .findFirst()
        .map(walk -> walk.filter(position -> isMatch(position, query)).limit(most).toList());
  }

  private boolean isMatch(Object position, Document query) {
    return documentMatchesQuery(getDocument(position), query);
  }

  private static boolean isDescending(Document order) {
    return ((Number) order.values().iterator().next()).intValue() < 0;
  }

  private Optional<List<Object>> findByPrefix(Document query) {
    return prefixIndexes()
        .filter(index -> index.canHandle(query))
        .map(index -> index.getPositions(query))
        .min(Comparator.comparing(List::size));
  }

  private Stream<PrefixIndex> prefixIndexes() {
    return getIndexes().stream().filter(PrefixIndex.class::isInstance).map(PrefixIndex.class::cast);
  }
}
