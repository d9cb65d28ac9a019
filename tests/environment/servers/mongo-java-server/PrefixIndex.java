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
 * Finds documents by the first key of an index, which need not be unique, in the order of the second:
 * the server itself has unique indexes alone, and those only for queries of all their keys. Kept in
 * memory and built from the documents at each start. What it finds is still filtered by the whole
 * query.
 */
class PrefixIndex extends Index<Object> {
  private static final Set<String> RANGES = Set.of("$lt", "$lte", "$gt", "$gte");

  /** By the first key. */
  private final Map<Object, NavigableSet<Place>> places = new HashMap<>();

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
    Collection<NavigableSet<Place>> found =
        isPlain(query.get(keys().get(0))) ? List.of(findPlaces(query)) : places.values();
    return found.stream().flatMap(Set::stream).map(Place::position).distinct().toList();
  }

  /** Whether `walk` finds what the query asks for in this order. */
  boolean canWalk(Document query, Document order) {
    return isPlain(query.get(keys().get(0)))
        && order != null
        && order.keySet().equals(Collections.singleton(second));
  }

  /** The positions in the order of the second key. */
  Stream<Object> walk(Document query, boolean isDescending) {
    NavigableSet<Place> found = findPlaces(query);
    return (isDescending ? found.descendingSet() : found).stream().map(Place::position);
  }

  /** Those of one value of the first key, within the range of the second that the query names. */
  private NavigableSet<Place> findPlaces(Document query) {
    Object first = new KeyValue(query.get(keys().get(0))).normalized().get(0);
    NavigableSet<Place> found = places.getOrDefault(first, Collections.emptyNavigableSet());
    if (second == null || !isRange(query.get(second))) return found;
    Place from = Place.FIRST;
    Place to = Place.LAST;
    for (var bound : ((Document) query.get(second)).entrySet()) {
      String operator = bound.getKey();
      // After all places of its value where it is left out from below or included from above.
      int side = operator.equals("$gt") || operator.equals("$lte") ? 1 : -1;
      Place edge = new Place(0, bound.getValue(), side, null);
      if (operator.startsWith("$g")) from = Collections.max(List.of(from, edge));
      else to = Collections.min(List.of(to, edge));
    }
    boolean isEmpty = from.compareTo(to) >= 0;
    return isEmpty ? Collections.emptyNavigableSet() : found.subSet(from, false, to, false);
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

  /** Null, which tells the server to look elsewhere for the position. */
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
   * A document's place among those of one first key. On another side than 0 it is the edge of a
   * range, and at another end than 0 before or behind everything.
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
