/* SPDX-License-Identifier: MIT */
/* jwk.c - kinds of JSON Web Keys and their names (RFC 7517, 7518, 8037). */
#include "jwk.h"

const jwk_kind jwk_kinds[] = {
    {"oct", {"k"}},
    {"EC", {"x", "y", "d"}},
    {"OKP", {"x", "", "d"}},
    {"RSA", {"n", "e", "d", "p", "q", "dp", "dq", "qi"}},
};

int jwk_kind_of(int algorithm) {
  if (algorithm < ECDSA) return KIND_SECRET;
  if (algorithm <= ECDH) return KIND_CURVE;
  return algorithm < RSA_PKCS1 ? KIND_EDWARDS : KIND_RSA;
}

const char *jwk_curve(int algorithm, int curve) {
  return jwk_kind_of(algorithm) == KIND_CURVE ? curve_name(curve)
                                              : algorithm_name(algorithm);
}

void jwk_name(char *to, size_t size, const params *of) {
  static const char hashes[][4] = {"1", "256", "384", "512"};
  static const char modes[][4] = {"CBC", "CTR", "GCM", "KW"};
  static const uint16_t curve_hashes[] = {256, 384, 512};
  const char *hash = hashes[of->hash];
  to[0] = '\0';
  if (of->algorithm >= AES_CBC && of->algorithm <= AES_KW)
    snprintf(to, size, "A%u%s", of->length, modes[of->algorithm - AES_CBC]);
  else if (of->algorithm == ECDSA)
    snprintf(to, size, "ES%u", curve_hashes[of->curve]);
  else if (of->algorithm == ED25519)
    snprintf(to, size, "Ed25519");
  else if (of->algorithm == RSA_OAEP)
    snprintf(to, size, of->hash == SHA_1 ? "RSA-OAEP" : "RSA-OAEP-%s", hash);
  else if (of->algorithm == HMAC || of->algorithm >= RSA_PKCS1)
    snprintf(to, size, "%s%s",
             of->algorithm == HMAC        ? "HS"
             : of->algorithm == RSA_PKCS1 ? "RS"
                                          : "PS",
             hash);
}
