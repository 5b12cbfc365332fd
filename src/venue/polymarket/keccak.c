/* Keccak-256: the sponge around nettle's permutation. SHA-3 differs from it only in the padding byte, and nettle's own
   sha3_256_digest has that one built in. */
#include <nettle/sha3.h>
#include "internal.h"

/* XORs whole words: both the state and x86-64 are little endian, as the sponge asks. */
static void absorb(struct sha3_state *state, const uint8_t *block) {
  for (size_t i = 0; i < PMM__KECCAK_RATE / 8; i++) {
    uint64_t word;
    memcpy(&word, block + i * 8, 8);
    state->a[i] ^= word;
  }
  sha3_permute(state);
}

void pmm_keccak256(const void *data, size_t len, pmm_poly_word_t *out) {
  _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "absorb loads words as they lie");
  struct sha3_state state = {0};
  const uint8_t *at = data;
  for (; len >= PMM__KECCAK_RATE; len -= PMM__KECCAK_RATE, at += PMM__KECCAK_RATE) absorb(&state, at);
  uint8_t last[PMM__KECCAK_RATE] = {0};
  if (len > 0) memcpy(last, at, len);
  last[len] = 0x01;
  last[PMM__KECCAK_RATE - 1] |= 0x80;
  absorb(&state, last);
  memcpy(out->b, state.a, sizeof out->b);
}
