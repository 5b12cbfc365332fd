/* Wallet keys, signatures and whose they are. ECDSA over secp256k1 by libsecp256k1: deterministic (RFC 6979), low s. */
#include <assert.h>
#include <openssl/crypto.h>
#include <secp256k1.h>
#include <secp256k1_recovery.h>
#include "internal.h"

struct pmm_poly_signer {
  uint8_t key[32];
  pmm_poly_address_t address;
  secp256k1_context *context;
};

static void address_of(const secp256k1_context *context, const secp256k1_pubkey *pubkey, pmm_poly_address_t *out) {
  uint8_t point[65];
  size_t len = sizeof point;
  pmm_poly_word_t hash;
  secp256k1_ec_pubkey_serialize(context, point, &len, pubkey, SECP256K1_EC_UNCOMPRESSED);
  pmm_keccak256(point + 1, 64, &hash);
  memcpy(out->b, hash.b + 12, 20);
}

static pmm_status_t read_key(const char *key, size_t len, uint8_t out[32]) {
  char text[66] = "0x";
  pmm_poly_word_t word;
  bool const prefixed = len == 66 && key[0] == '0' && key[1] == 'x';
  if (len != (prefixed ? 66 : 64)) return PMM_PARSE;
  memcpy(text + 2, key + (prefixed ? 2 : 0), 64);
  pmm_status_t const st = pmm_poly_word_parse(text, sizeof text, &word);
  if (st == PMM_OK) memcpy(out, word.b, 32);
  OPENSSL_cleanse(text, sizeof text);
  OPENSSL_cleanse(&word, sizeof word);
  return st;
}

static pmm_status_t signer_fill(pmm_poly_signer_t *s, const char *key, size_t len, const uint8_t seed[32], pmm_error_t *err) {
  secp256k1_pubkey pubkey;
  if (read_key(key, len, s->key) != PMM_OK) return pmm_error_set(err, PMM_PARSE, "private key: not 64 hex digits");
  s->context = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
  if (!s->context) return pmm_error_set(err, PMM_FULL, "private key: out of memory");
  if (!secp256k1_context_randomize(s->context, seed) || !secp256k1_ec_pubkey_create(s->context, &pubkey, s->key))
    return pmm_error_set(err, PMM_INVAL, "private key: not a key of secp256k1");
  address_of(s->context, &pubkey, &s->address);
  return PMM_OK;
}

pmm_status_t pmm_poly_signer_new(const char *key, size_t key_len, const uint8_t seed[32], pmm_poly_signer_t **out, pmm_error_t *err) {
  pmm_poly_signer_t *const s = pmm__secret_alloc(sizeof *s);
  if (!s) return pmm_error_set(err, PMM_FULL, "private key: out of memory");
  pmm_status_t const st = signer_fill(s, key, key_len, seed, err);
  if (st == PMM_OK) *out = s;
  else pmm_poly_signer_free(s);
  return st;
}

void pmm_poly_signer_free(pmm_poly_signer_t *signer) {
  if (!signer) return;
  if (signer->context) secp256k1_context_destroy(signer->context);
  pmm__secret_free(signer, sizeof *signer);
}

const pmm_poly_address_t *pmm_poly_signer_address(const pmm_poly_signer_t *signer) { return &signer->address; }

pmm_status_t pmm_poly_sign_digest(const pmm_poly_signer_t *signer, const pmm_poly_word_t *digest, uint8_t sig[65]) {
  secp256k1_ecdsa_recoverable_signature made;
  int recid;
  if (!secp256k1_ecdsa_sign_recoverable(signer->context, &made, digest->b, signer->key, NULL, NULL)) return PMM_INVAL;
  secp256k1_ecdsa_recoverable_signature_serialize_compact(signer->context, sig, &recid, &made);
  sig[64] = (uint8_t)(27 + recid);
  return PMM_OK;
}

pmm_status_t pmm_poly_recover(const pmm_poly_word_t *digest, const uint8_t sig[65], pmm_poly_address_t *out) {
  secp256k1_ecdsa_recoverable_signature parsed;
  secp256k1_pubkey pubkey;
  if (sig[64] != 27 && sig[64] != 28) return PMM_INVAL;
  if (!secp256k1_ecdsa_recoverable_signature_parse_compact(secp256k1_context_static, &parsed, sig, sig[64] - 27) ||
      !secp256k1_ecdsa_recover(secp256k1_context_static, &pubkey, &parsed, digest->b))
    return PMM_INVAL;
  address_of(secp256k1_context_static, &pubkey, out);
  return PMM_OK;
}

/* -- wallets that are contracts: keccak(0xff, factory, salt, hash of the creation code)[12..]. Source: EIP-1014. -- */
static void create2(const char *factory, const pmm_poly_word_t *salt, const char *code_hash, pmm_poly_address_t *out) {
  uint8_t text[85] = {0xff};
  pmm_poly_address_t from = {{0}};
  pmm_poly_word_t code = {{0}}, hash;
  pmm_status_t const factory_st = pmm_poly_address_parse(factory, 42, &from), code_st = pmm_poly_word_parse(code_hash, 66, &code);
  assert(factory_st == PMM_OK);
  assert(code_st == PMM_OK);
  (void)factory_st, (void)code_st;
  memcpy(text + 1, from.b, 20);
  memcpy(text + 21, salt->b, 32);
  memcpy(text + 53, code.b, 32);
  pmm_keccak256(text, sizeof text, &hash);
  memcpy(out->b, hash.b + 12, 20);
}

void pmm_poly_proxy_wallet(const pmm_poly_address_t *owner, pmm_poly_address_t *out) {
  pmm_poly_word_t salt;
  pmm_keccak256(owner->b, sizeof owner->b, &salt);
  create2("0xaB45c5A4B0c941a2F231C04C3f49182e1A254052", &salt, "0xd21df8dc65880a8606f09fe0ce3df9b8869287ab0b058be05aa9e8af6330a00b", out);
}

void pmm_poly_safe_wallet(const pmm_poly_address_t *owner, pmm_poly_address_t *out) {
  uint8_t padded[32];
  pmm_poly_word_t salt;
  pmm__put_address(padded, owner);
  pmm_keccak256(padded, sizeof padded, &salt);
  create2("0xaacFeEa03eb1561C4e67d661e40682Bd20E3541b", &salt, "0x2bce2127ff07fb632d16c8347c4ebf501f4841168bed00d9e6ef715ddb6fcecf", out);
}

/* -- orders -- */
static bool order_is_valid(const pmm_poly_domain_t *domain, const pmm_poly_order_t *o) {
  if (o->version < 1 || o->version > 3 || domain->version != o->version) return false;
  if (o->salt > PMM_POLY_SALT_MAX || o->side > PMM_POLY_SELL || o->signature_type > PMM_POLY_DEPOSIT) return false;
  return o->version > 1 || o->signature_type != PMM_POLY_DEPOSIT;
}

/* Inner signature, the exchange's separator, the order's hash, the order's type as text and its length. */
static void wrap(const pmm_poly_domain_t *domain, const pmm_poly_word_t *struct_hash, uint8_t sig[PMM_POLY_SIG_MAX]) {
  memcpy(sig + 65, domain->separator.b, 32);
  memcpy(sig + 97, struct_hash->b, 32);
  memcpy(sig + 129, pmm__order_v2_type, PMM__ORDER_V2_TYPE_LEN);
  sig[129 + PMM__ORDER_V2_TYPE_LEN] = PMM__ORDER_V2_TYPE_LEN >> 8;
  sig[130 + PMM__ORDER_V2_TYPE_LEN] = PMM__ORDER_V2_TYPE_LEN & 0xff;
}
_Static_assert(131 + PMM__ORDER_V2_TYPE_LEN == PMM_POLY_SIG_MAX, "the parts fill the signature");

pmm_status_t pmm_poly_order_sign(const pmm_poly_signer_t *signer, const pmm_poly_domain_t *domain, const pmm_poly_order_t *order,
                                 pmm_poly_word_t *id, uint8_t sig[PMM_POLY_SIG_MAX], size_t *sig_len) {
  pmm_poly_word_t hash, digest, signed_digest;
  if (!order_is_valid(domain, order)) return PMM_INVAL;
  bool const deposit = order->signature_type == PMM_POLY_DEPOSIT;
  pmm__order_struct_hash(order, &hash);
  pmm__eip712_digest(&domain->separator, &hash, &digest);
  if (deposit) pmm__deposit_digest(domain, &order->maker, &hash, &signed_digest);
  else signed_digest = digest;
  pmm_status_t const st = pmm_poly_sign_digest(signer, &signed_digest, sig);
  if (st != PMM_OK) return st;
  if (deposit) wrap(domain, &hash, sig);
  *id = digest;
  *sig_len = deposit ? PMM_POLY_SIG_MAX : 65;
  return PMM_OK;
}

pmm_status_t pmm_poly_order_recover(const pmm_poly_domain_t *domain, const pmm_poly_order_t *order, const uint8_t *sig, size_t sig_len,
                                    pmm_poly_address_t *owner) {
  pmm_poly_word_t hash, digest;
  uint8_t want[PMM_POLY_SIG_MAX];
  if (!order_is_valid(domain, order)) return PMM_INVAL;
  bool const deposit = order->signature_type == PMM_POLY_DEPOSIT;
  if (sig_len != (deposit ? (size_t)PMM_POLY_SIG_MAX : 65)) return PMM_INVAL;
  pmm__order_struct_hash(order, &hash);
  if (!deposit) {
    pmm__eip712_digest(&domain->separator, &hash, &digest);
    return pmm_poly_recover(&digest, sig, owner);
  }
  wrap(domain, &hash, want);
  if (memcmp(sig + 65, want + 65, PMM_POLY_SIG_MAX - 65) != 0) return PMM_INVAL;
  pmm__deposit_digest(domain, &order->maker, &hash, &digest);
  return pmm_poly_recover(&digest, sig, owner);
}

/* -- L1 -- */
static void l1_text(int64_t timestamp_s, char text[24]) {
  size_t const end = pmm__put_decimal(text, 0, (uint64_t)timestamp_s);
  text[end] = '\0';
}

pmm_status_t pmm_poly_l1_sign(const pmm_poly_signer_t *signer, uint64_t chain_id, int64_t timestamp_s, uint64_t nonce, uint8_t sig[65]) {
  char text[24];
  pmm_poly_word_t digest;
  if (timestamp_s < 0) return PMM_INVAL;
  l1_text(timestamp_s, text);
  pmm_poly_l1_digest(&signer->address, chain_id, text, nonce, &digest);
  return pmm_poly_sign_digest(signer, &digest, sig);
}

pmm_status_t pmm_poly_l1_recover(const pmm_poly_address_t *address, uint64_t chain_id, int64_t timestamp_s, uint64_t nonce,
                                 const uint8_t sig[65], pmm_poly_address_t *signer) {
  char text[24];
  pmm_poly_word_t digest;
  if (timestamp_s < 0) return PMM_INVAL;
  l1_text(timestamp_s, text);
  pmm_poly_l1_digest(address, chain_id, text, nonce, &digest);
  return pmm_poly_recover(&digest, sig, signer);
}
