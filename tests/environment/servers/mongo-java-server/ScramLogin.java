import static java.nio.charset.StandardCharsets.UTF_8;

import de.bwaldvogel.mongo.bson.BinData;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import io.netty.channel.Channel;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import javax.crypto.Mac;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import javax.crypto.spec.SecretKeySpec;

/** SCRAM-SHA-256 (RFC 7677) as in MongoDB, for one user. The server itself has no logins. */
class ScramLogin {
  private static final int ITERATIONS = 15_000;
  private static final int KEY_BITS = 256;
  private static final int UNAUTHORIZED = 13;
  private static final int AUTHENTICATION_FAILED = 18;
  /** The commands that MongoDB answers without a login. */
  private static final Set<String> PUBLIC = Set.of("hello", "ismaster", "ping", "buildinfo");

  /** What a connection has exchanged before the proof. */
  private record Exchange(String clientFirst, String serverFirst) {}

  private final String user;
  private final byte[] salt = random(16);
  private final byte[] storedKey;
  private final byte[] serverKey;
  private final Map<Channel, Exchange> exchanges = new ConcurrentHashMap<>();
  private final Set<Channel> known = ConcurrentHashMap.newKeySet();

  ScramLogin(String user, String password) throws GeneralSecurityException {
    this.user = user;
    byte[] salted =
        SecretKeyFactory.getInstance("PBKDF2WithHmacSHA256")
            .generateSecret(new PBEKeySpec(password.toCharArray(), salt, ITERATIONS, KEY_BITS))
            .getEncoded();
    storedKey = hash(sign(salted, "Client Key"));
    serverKey = sign(salted, "Server Key");
  }

  /** Null if no user is set. Then everybody is admitted, as in MongoDB. */
  static ScramLogin fromEnvironment() throws GeneralSecurityException {
    String user = System.getenv("MONGO_INITDB_ROOT_USERNAME");
    String password = System.getenv("MONGO_INITDB_ROOT_PASSWORD");
    return user == null || password == null ? null : new ScramLogin(user, password);
  }

  /** Answers the commands of a login. After a login it passes the others to `rest`. */
  Document handle(Channel channel, String name, Document query, Supplier<Document> rest) {
    switch (name.toLowerCase()) {
      case "saslstart":
        return start(channel, query);
      case "saslcontinue":
        return prove(channel, query);
      case "hello", "ismaster":
        Document hello = rest.get();
        if (query.get("saslSupportedMechs") != null) {
          hello.put("saslSupportedMechs", List.of("SCRAM-SHA-256"));
        }
        return hello;
      default:
        if (known.contains(channel) || PUBLIC.contains(name.toLowerCase())) return rest.get();
        throw new MongoServerError(
            UNAUTHORIZED, "Unauthorized", "Command " + name + " requires authentication");
    }
  }

  void forget(Channel channel) {
    exchanges.remove(channel);
    known.remove(channel);
  }

  /** `n,,n=user,r=nonce`. */
  private Document start(Channel channel, Document query) {
    String first = textOf(query).replaceFirst("^n,,", "");
    Map<String, String> parts = partsOf(first);
    if (!user.equals(parts.get("n")) || !"SCRAM-SHA-256".equals(query.get("mechanism"))) {
      throw refused();
    }
    String nonce = parts.get("r") + encode(random(18));
    String answer = "r=" + nonce + ",s=" + encode(salt) + ",i=" + ITERATIONS;
    exchanges.put(channel, new Exchange(first, answer));
    return answer(answer, false);
  }

  /** `c=biws,r=nonce,p=proof`. */
  private Document prove(Channel channel, Document query) {
    Exchange exchange = exchanges.remove(channel);
    if (exchange == null) throw refused();
    String last = textOf(query);
    String said =
        exchange.clientFirst() + "," + exchange.serverFirst() + "," + last.replaceFirst(",p=.*", "");
    byte[] key = Base64.getDecoder().decode(partsOf(last).getOrDefault("p", ""));
    byte[] signature = sign(storedKey, said);
    if (key.length != signature.length) throw refused();
    for (int i = 0; i < key.length; i++) key[i] ^= signature[i];
    if (!MessageDigest.isEqual(hash(key), storedKey)) throw refused();
    known.add(channel);
    return answer("v=" + encode(sign(serverKey, said)), true);
  }

  private static Document answer(String payload, boolean isDone) {
    Document answer = new Document("conversationId", 1).append("done", isDone);
    return answer.append("payload", new BinData(payload.getBytes(UTF_8))).append("ok", 1.0);
  }

  private static MongoServerError refused() {
    return new MongoServerError(
        AUTHENTICATION_FAILED, "AuthenticationFailed", "Authentication failed.");
  }

  private static String textOf(Document query) {
    Object payload = query.get("payload");
    byte[] bytes = payload instanceof BinData data ? data.getData() : (byte[]) payload;
    return new String(bytes, UTF_8);
  }

  private static Map<String, String> partsOf(String text) {
    Map<String, String> parts = new ConcurrentHashMap<>();
    for (String part : text.split(",")) {
      if (part.length() > 1) parts.put(part.substring(0, 1), part.substring(2));
    }
    return parts;
  }

  private static byte[] sign(byte[] key, String text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return mac.doFinal(text.getBytes(UTF_8));
    } catch (GeneralSecurityException error) {
      throw new IllegalStateException(error);
    }
  }

  private static byte[] hash(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (GeneralSecurityException error) {
      throw new IllegalStateException(error);
    }
  }

  private static byte[] random(int length) {
    byte[] bytes = new byte[length];
    new SecureRandom().nextBytes(bytes);
    return bytes;
  }

  private static String encode(byte[] bytes) {
    return Base64.getEncoder().encodeToString(bytes);
  }
}
