/* An order as the venue's client writes it; the HMAC is over these bytes. */
#include "internal.h"

static size_t put_address(char *buf, size_t at, const char *key, const pmm_poly_address_t *address) {
  char text[PMM_POLY_HEX_ADDRESS];
  pmm_poly_address_print(address, text);
  at = pmm__poly_put(buf, at, key);
  at = pmm__poly_put(buf, at, text);
  return pmm__poly_put(buf, at, "\"");
}

static size_t put_number(char *buf, size_t at, const char *key, uint64_t value) {
  at = pmm__poly_put(buf, at, key);
  at = pmm__put_decimal(buf, at, value);
  return pmm__poly_put(buf, at, "\"");
}

static size_t put_word(char *buf, size_t at, const char *key, const pmm_poly_word_t *word) {
  at = pmm__poly_put(buf, at, key);
  at = pmm__put_hex(buf, at, word->b, sizeof word->b);
  return pmm__poly_put(buf, at, "\"");
}

static size_t put_v1(const pmm_poly_order_t *o, char *buf, size_t at) {
  at = put_number(buf, at, ",\"expiration\":\"", o->expiration_s);
  at = put_number(buf, at, ",\"nonce\":\"", o->nonce);
  at = put_number(buf, at, ",\"feeRateBps\":\"", o->fee_rate_bps);
  at = pmm__poly_put(buf, at, ",\"signatureType\":");
  return pmm__put_decimal(buf, at, o->signature_type);
}

static size_t put_v2(const pmm_poly_order_t *o, char *buf, size_t at) {
  at = pmm__poly_put(buf, at, ",\"signatureType\":");
  at = pmm__put_decimal(buf, at, o->signature_type);
  at = put_number(buf, at, ",\"timestamp\":\"", o->timestamp_ms);
  at = put_number(buf, at, ",\"expiration\":\"", o->expiration_s);
  at = put_word(buf, at, ",\"metadata\":\"", &o->metadata);
  return put_word(buf, at, ",\"builder\":\"", &o->builder);
}

/* Longest: a deposit wallet's order of version 2, with every number at its widest. */
_Static_assert(700 + 2 * PMM_POLY_SIG_MAX < PMM_POLY_ORDER_JSON_MAX, "the widest order fits");

size_t pmm_poly_order_json(const pmm_poly_order_t *o, const uint8_t *sig, size_t sig_len, char buf[PMM_POLY_ORDER_JSON_MAX]) {
  char token[PMM_POLY_DEC_WORD];
  pmm_poly_word_to_decimal(&o->token, token);
  size_t at = pmm__poly_put(buf, 0, "{\"salt\":");
  at = pmm__put_decimal(buf, at, o->salt);
  at = put_address(buf, at, ",\"maker\":\"", &o->maker);
  at = put_address(buf, at, ",\"signer\":\"", &o->signer);
  if (o->version == 1) at = put_address(buf, at, ",\"taker\":\"", &o->taker);
  at = pmm__poly_put(buf, at, ",\"tokenId\":\"");
  at = pmm__poly_put(buf, at, token);
  at = put_number(buf, at, "\",\"makerAmount\":\"", o->maker_e6);
  at = put_number(buf, at, ",\"takerAmount\":\"", o->taker_e6);
  at = pmm__poly_put(buf, at, o->side == PMM_POLY_BUY ? ",\"side\":\"BUY\"" : ",\"side\":\"SELL\"");
  at = o->version == 1 ? put_v1(o, buf, at) : put_v2(o, buf, at);
  at = pmm__poly_put(buf, at, ",\"signature\":\"");
  at = pmm__put_hex(buf, at, sig, sig_len);
  at = pmm__poly_put(buf, at, "\"}");
  buf[at] = '\0';
  return at;
}
