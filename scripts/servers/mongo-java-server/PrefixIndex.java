import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.KeyValue;
import de.bwaldvogel.mongo.backend.Missing;
import de.bwaldvogel.mongo.bson.Document;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Finds documents by the first key of an index, which need not be unique: the server itself has
 * unique indexes alone, and those only for queries of all their keys. A range of the second key
 * narrows what it finds. Kept in memory and built from the documents at each start. What it finds is
 * still filtered by the whole query.
 */
class PrefixIndex extends Index<Object> {
  private static final Set<String> RANGES = Set.of("$lt", "$lte", "$gt", "$gte");

  /** By the first key: the positions, each with its document's value of the second key. */
  private final Map<Object, Map<Object, Object>> positions = new HashMap<>();

  private final String second;
  /** Documents without the key are no answer to a range of it. */
  private final boolean isSparse;

  PrefixIndex(String name, List<IndexKey> keys, boolean isSparse) {
    // Sparse for the server, which asks every other index for each document's position.
    super(name, keys.subList(0, 1), true);
    this.isSparse = isSparse;
    second = keys.size() > 1 ? keys.get(1).getKey() : null;
  }

  @Override
  public boolean canHandle(Document query) {
    Object wanted = query.get(keys().get(0));
    return isPlain(wanted) || (isSparse && isRange(wanted));
  }

  /** A copy: whoever reads it may change the documents on the way. */
  @Override
  public List<Object> getPositions(Document query) {
    Object wanted = query.get(keys().get(0));
    Collection<Map<Object, Object>> buckets =
        isPlain(wanted)
            ? List.of(positions.getOrDefault(new KeyValue(wanted).normalized().get(0), Map.of()))
            : positions.values();
    Object range = second == null ? null : query.get(second);
    Set<Object> found = new LinkedHashSet<>();
    for (Map<Object, Object> bucket : buckets) {
      bucket.forEach(
          (position, value) -> {
            if (mayBeIn(range, value)) found.add(position);
          });
    }
    return new ArrayList<>(found);
  }

  /** False only where numbers say so. */
  private static boolean mayBeIn(Object range, Object value) {
    if (!isRange(range) || !(value instanceof Number number)) return true;
    return ((Document) range)
        .entrySet().stream()
            .allMatch(bound -> mayBe(bound.getKey(), bound.getValue(), number.doubleValue()));
  }

  private static boolean mayBe(String operator, Object bound, double value) {
    if (!(bound instanceof Number number)) return true;
    double limit = number.doubleValue();
    return operator.startsWith("$g") ? value >= limit : value <= limit;
  }

  /** A value that equals itself only: no operator, no list, no absence. */
  static boolean isPlain(Object wanted) {
    return Missing.isNeitherNullNorMissing(wanted)
        && !(wanted instanceof Document)
        && !(wanted instanceof Collection)
        && !wanted.getClass().getSimpleName().contains("RegularExpression");
  }

  private static boolean isRange(Object wanted) {
    return wanted instanceof Document range
        && !range.isEmpty()
        && RANGES.containsAll(range.keySet());
  }

  @Override
  public void add(Document document, Object position, MongoCollection<Object> collection) {
    for (KeyValue key : getKeyValues(document)) {
      if (Missing.isNullOrMissing(key.get(0))) continue;
      Object value = second == null ? null : document.get(second);
      positions.computeIfAbsent(key.get(0), any -> new LinkedHashMap<>()).put(position, value);
    }
  }

  /** Null, which tells the server to look elsewhere for the position. */
  @Override
  public Object remove(Document document) {
    Object position = Missing.ofNullable(document.get("_id"));
    for (KeyValue key : getKeyValues(document)) {
      Map<Object, Object> found = positions.get(key.get(0));
      if (found == null) continue;
      found.remove(position);
      if (found.isEmpty()) positions.remove(key.get(0));
    }
    return null;
  }

  @Override
  public void updateInPlace(
      Document before, Document after, Object position, MongoCollection<Object> collection) {
    remove(before);
    add(after, position, collection);
  }

  @Override
  public Object getPosition(Document document) {
    return null;
  }

  @Override
  public void checkAdd(Document document, MongoCollection<Object> collection) {}

  @Override
  public void checkUpdate(Document before, Document after, MongoCollection<Object> collection) {}

  @Override
  public long getCount() {
    return positions.size();
  }

  @Override
  public long getDataSize() {
    return getCount();
  }

  @Override
  public void drop() {
    positions.clear();
  }
}
