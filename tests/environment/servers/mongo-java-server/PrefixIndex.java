import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.KeyValue;
import de.bwaldvogel.mongo.backend.Missing;
import de.bwaldvogel.mongo.backend.ValueComparator;
import de.bwaldvogel.mongo.bson.Document;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Finds documents by the first key of an index, which need not be unique, in the order of the
 * second. The server itself has only unique indexes, and uses them only for queries with all their
 * keys. This index is in memory and is built from the documents at each start. The whole query
 * still filters its results.
 */
class PrefixIndex extends Index<Object> {
  private static final Set<String> RANGES = Set.of("$lt", "$lte", "$gt", "$gte");

  /** By the first key. */
  private final Map<Object, NavigableSet<Place>> places = new HashMap<>();

  private final String second;
  /** Documents without the key do not match a range. */
  private final boolean isSparse;

  PrefixIndex(String name, List<IndexKey> keys, boolean isSparse) {
    // Declared sparse, because the server asks every other index for each document's position.
    super(name, keys.subList(0, 1), true);
    this.isSparse = isSparse;
    second = keys.size() > 1 ? keys.get(1).getKey() : null;
  }

  @Override
  public boolean canHandle(Document query) {
    Object wanted = query.get(keys().get(0));
    return isPlain(wanted) || (isSparse && isRange(wanted));
  }

  /** Returns a copy, because the caller may change the documents. */
  @Override
  public List<Object> getPositions(Document query) {
    Collection<NavigableSet<Place>> found =
        isPlain(query.get(keys().get(0))) ? List.of(findPlaces(query)) : places.values();
    return found.stream().flatMap(Set::stream).map(Place::position).distinct().toList();
  }

  /** Returns whether `walk` can find the query's documents in this order. */
  boolean canWalk(Document query, Document order) {
    return isPlain(query.get(keys().get(0)))
        && order != null
        && order.keySet().equals(Collections.singleton(second));
  }

  /** Returns the positions in the order of the second key. */
  Stream<Object> walk(Document query, boolean isDescending) {
    NavigableSet<Place> found = findPlaces(query);
    return (isDescending ? found.descendingSet() : found).stream().map(Place::position);
  }

  /**
   * Returns the positions for one value of the first key, within the query's range of the second.
   */
  private NavigableSet<Place> findPlaces(Document query) {
    Object first = new KeyValue(query.get(keys().get(0))).normalized().get(0);
    NavigableSet<Place> found = places.getOrDefault(first, Collections.emptyNavigableSet());
    if (second == null || !isRange(query.get(second))) return found;
    Place from = Place.FIRST;
    Place to = Place.LAST;
    for (var bound : ((Document) query.get(second)).entrySet()) {
      String operator = bound.getKey();
      // After all positions of its value if the range excludes it from below or includes it from
      // above.
      int side = operator.equals("$gt") || operator.equals("$lte") ? 1 : -1;
      Place edge = new Place(0, bound.getValue(), side, null);
      if (operator.startsWith("$g")) from = Collections.max(List.of(from, edge));
      else to = Collections.min(List.of(to, edge));
    }
    boolean isEmpty = from.compareTo(to) >= 0;
    return isEmpty ? Collections.emptyNavigableSet() : found.subSet(from, false, to, false);
  }

  /** Returns true for a plain value: no operator, no list, not missing. */
  static boolean isPlain(Object wanted) {
    return Missing.isNeitherNullNorMissing(wanted)
        && !(wanted instanceof Document)
        && !(wanted instanceof Collection)
        && !wanted.getClass().getSimpleName().contains("RegularExpression");
  }

  private static boolean isRange(Object wanted) {
    return wanted instanceof Document range
        && !range.isEmpty()
        && RANGES.containsAll(range.keySet())
        && range.values().stream().allMatch(PrefixIndex::isPlain);
  }

  @Override
  public void add(Document document, Object position, MongoCollection<Object> collection) {
    for (KeyValue key : getKeyValues(document)) {
      if (Missing.isNullOrMissing(key.get(0))) continue;
      places.computeIfAbsent(key.get(0), any -> new TreeSet<>()).add(toPlace(document, position));
    }
  }

  /** Returns null, so that the server looks elsewhere for the position. */
  @Override
  public Object remove(Document document) {
    Object position = Missing.ofNullable(document.get("_id"));
    for (KeyValue key : getKeyValues(document)) {
      NavigableSet<Place> found = places.get(key.get(0));
      if (found == null) continue;
      found.remove(toPlace(document, position));
      if (found.isEmpty()) places.remove(key.get(0));
    }
    return null;
  }

  private Place toPlace(Document document, Object position) {
    Object value = second == null ? null : document.get(second);
    return new Place(0, Missing.ofNullable(value), 0, position);
  }

  /**
   * A document's place among those with the same first key. A `side` other than 0 marks the edge of
   * a range; an `end` other than 0 is before or after everything.
   */
  private record Place(int end, Object second, int side, Object position)
      implements Comparable<Place> {
    private static final Place FIRST = new Place(-1, null, 0, null);
    private static final Place LAST = new Place(1, null, 0, null);
    private static final Comparator<Place> ORDER =
        Comparator.comparing(Place::end)
            .thenComparing(Place::second, ValueComparator.asc())
            .thenComparing(Place::side)
            .thenComparing(Place::position, ValueComparator.asc());

    @Override
    public int compareTo(Place other) {
      return ORDER.compare(this, other);
    }
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
    return places.size();
  }

  @Override
  public long getDataSize() {
    return getCount();
  }

  @Override
  public void drop() {
    places.clear();
  }
}
