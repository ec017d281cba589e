package io.tidemark.sync;

import io.tidemark.change.OperatingFailure;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Seals passwords for the store with AES-GCM. The connection's name and URL are sealed in: a sealed
 * password moved to another row, or to another server's address, does not open.
 */
public final class SealedPassword {
  private static final String CIPHER = "AES/GCM/NoPadding";
  private static final int KEY_BYTES = 32;
  private static final int NONCE_BYTES = 12;
  private static final int TAG_BITS = 128;

  private final SecretKeySpec key;
  private final SecureRandom random;

  private SealedPassword(byte[] key, SecureRandom random) {
    this.key = new SecretKeySpec(key, "AES");
    this.random = random;
  }

  /** With a key of 32 bytes as base64; empty if the text is none. */
  public static Optional<SealedPassword> withKey(String base64, SecureRandom random) {
    try {
      byte[] key = Base64.getDecoder().decode(base64.strip());
      return key.length == KEY_BYTES
          ? Optional.of(new SealedPassword(key, random))
          : Optional.empty();
    } catch (IllegalArgumentException notBase64) {
      return Optional.empty();
    }
  }

  byte[] seal(String password, String context) {
    byte[] nonce = new byte[NONCE_BYTES];
    random.nextBytes(nonce);
    byte[] sealed =
        apply(Cipher.ENCRYPT_MODE, nonce, password.getBytes(StandardCharsets.UTF_8), context);
    return ByteBuffer.allocate(nonce.length + sealed.length).put(nonce).put(sealed).array();
  }

  String open(byte[] sealed, String context) {
    byte[] nonce = Arrays.copyOf(sealed, NONCE_BYTES);
    byte[] body = Arrays.copyOfRange(sealed, NONCE_BYTES, sealed.length);
    return new String(apply(Cipher.DECRYPT_MODE, nonce, body, context), StandardCharsets.UTF_8);
  }

  private byte[] apply(int mode, byte[] nonce, byte[] input, String context) {
    try {
      Cipher cipher = Cipher.getInstance(CIPHER);
      cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
      cipher.updateAAD(context.getBytes(StandardCharsets.UTF_8));
      return cipher.doFinal(input);
    } catch (GeneralSecurityException e) {
      throw cannotOpen(e);
    }
  }

  static OperatingFailure cannotOpen(@Nullable Exception cause) {
    return new OperatingFailure(
        OperatingFailure.Kind.USER,
        "secret_key",
        "a stored password does not open",
        "Set tidemark.secret-key to the key it was sealed with, or give the connection anew",
        cause);
  }
}
