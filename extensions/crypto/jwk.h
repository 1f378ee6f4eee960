/* SPDX-License-Identifier: MIT */
/* jwk.h - what reading and writing JSON Web Keys share. */
#ifndef TORPOR_CRYPTO_JWK_H
#define TORPOR_CRYPTO_JWK_H

#include "crypto.h"

/* The numbers of a key, in the order of RSA; other kinds use the first ones. */
enum { MEMBER_MOST = RSA_NUMBERS, MEMBER_D = 2 };

/* Which members a kind of key has; that at MEMBER_D makes it a private one. */
typedef struct jwk_kind {
  char type[4];
  char members[MEMBER_MOST][3];
} jwk_kind;

enum { KIND_SECRET, KIND_CURVE, KIND_EDWARDS, KIND_RSA };

extern const jwk_kind jwk_kinds[];
int jwk_kind_of(int algorithm);

/* What "crv" says of a key on a curve. */
const char *jwk_curve(int algorithm, int curve);

/* The name that RFC 7518 has for an algorithm with its key; "" if none. */
void jwk_name(char *to, size_t size, const params *of);

#endif
