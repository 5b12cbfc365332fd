/* What is hashed before it is signed. Type strings and constants: Polymarket CLOB API docs (2026-11), checked by vectors. */
#include <assert.h>
#include "internal.h"

static const char domain_type[] = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
static const char domain_name[] = "Polymarket CTF Exchange";
#define ORDER_V2                                                                                             \
  "Order(uint256 salt,address maker,address signer,uint256 tokenId,uint256 makerAmount,uint256 takerAmount," \
  "uint8 side,uint8 signatureType,uint256 timestamp,bytes32 metadata,bytes32 builder)"
const char pmm__order_v2_type[] = ORDER_V2;
_Static_assert(sizeof ORDER_V2 - 1 == PMM__ORDER_V2_TYPE_LEN, "the wrapper's trailer tells this length");
static const char deposit_type[] =
    "TypedDataSign(Order contents,string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)" ORDER_V2;

void pmm__put_word(uint8_t *at, const pmm_poly_word_t *word) { memcpy(at, word->b, 32); }

void pmm__put_u64(uint8_t *at, uint64_t value) {
  uint64_t const be = __builtin_bswap64(value);
  memset(at, 0, 24);
  memcpy(at + 24, &be, 8);
}

void pmm__put_address(uint8_t *at, const pmm_poly_address_t *address) {
  memset(at, 0, 12);
  memcpy(at + 12, address->b, 20);
}

void pmm__put_text(uint8_t *at, const char *text) {
  pmm_poly_word_t hash;
  pmm_keccak256(text, strlen(text), &hash);
  pmm__put_word(at, &hash);
}

void pmm__eip712_digest(const pmm_poly_word_t *separator, const pmm_poly_word_t *struct_hash, pmm_poly_word_t *out) {
  uint8_t text[66] = {0x19, 0x01};
  memcpy(text + 2, separator->b, 32);
  memcpy(text + 34, struct_hash->b, 32);
  pmm_keccak256(text, sizeof text, out);
}

void pmm_poly_domain_at(int version, uint64_t chain_id, const pmm_poly_address_t *exchange, pmm_poly_domain_t *out) {
  assert(version >= 1 && version <= 3);
  char const number[2] = {(char)('0' + version), '\0'};
  uint8_t words[5 * 32];
  pmm__put_text(words, domain_type);
  pmm__put_text(words + 32, domain_name);
  pmm__put_text(words + 64, number);
  pmm__put_u64(words + 96, chain_id);
  pmm__put_address(words + 128, exchange);
  out->version = (uint8_t)version;
  out->chain_id = chain_id;
  out->exchange = *exchange;
  pmm_keccak256(words, sizeof words, &out->separator);
}

pmm_status_t pmm_poly_domain(int version, bool neg_risk, uint64_t chain_id, pmm_poly_domain_t *out) {
  static const struct { int version, neg_risk; uint64_t chain_id; const char *exchange; } known[] = { /* neg_risk -1: either */
      {1, 0, PMM_POLY_CHAIN_POLYGON, "0x4bFb41d5B3570DeFd03C39a9A4D8dE6Bd8B8982E"}, {1, 1, PMM_POLY_CHAIN_POLYGON, "0xC5d563A36AE78145C45a50134d48A1215220f80a"},
      {2, 0, PMM_POLY_CHAIN_POLYGON, "0xE111180000d2663C0091e4f400237545B87B996B"}, {2, 1, PMM_POLY_CHAIN_POLYGON, "0xe2222d279d744050d28e00520010520000310F59"},
      {3, -1, PMM_POLY_CHAIN_POLYGON, "0xe3333700cA9d93003F00f0F71f8515005F6c00Aa"},
      {1, 0, PMM_POLY_CHAIN_AMOY, "0xdFE02Eb6733538f8Ea35D585af8DE5958AD99E40"}, {1, 1, PMM_POLY_CHAIN_AMOY, "0xC5d563A36AE78145C45a50134d48A1215220f80a"},
      {2, 0, PMM_POLY_CHAIN_AMOY, "0xE111180000d2663C0091e4f400237545B87B996B"}, {2, 1, PMM_POLY_CHAIN_AMOY, "0xe2222d279d744050d28e00520010520000310F59"},
      {3, -1, PMM_POLY_CHAIN_AMOY, "0x9fE6e61422AdB6F610d8597F9684b16912D50C3D"}};
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
    if (known[i].version != version || known[i].chain_id != chain_id || (known[i].neg_risk >= 0 && known[i].neg_risk != neg_risk)) continue;
    pmm_poly_address_t exchange;
    pmm_status_t const st = pmm_poly_address_parse(known[i].exchange, 42, &exchange);
    assert(st == PMM_OK);
    (void)st;
    pmm_poly_domain_at(version, chain_id, &exchange, out);
    return PMM_OK;
  }
  return PMM_NOT_FOUND;
}

/* Hashes of the type strings never change: computed once would need a lock, so they stand here; a test recomputes them. */
static const pmm_poly_word_t order_v1_hash = {{0xa8, 0x52, 0x56, 0x6c, 0x4e, 0x14, 0xd0, 0x08, 0x69, 0xb6, 0xdb, 0x02, 0x20, 0x88, 0x8a, 0x90,
                                               0x90, 0xa1, 0x3e, 0xcc, 0xda, 0xea, 0x03, 0x71, 0x3f, 0xf0, 0xa3, 0xd2, 0x7b, 0xf9, 0x76, 0x7c}};
static const pmm_poly_word_t order_v2_hash = {{0xbb, 0x86, 0x31, 0x8a, 0x21, 0x38, 0xf5, 0xfa, 0x8a, 0xe3, 0x2f, 0xbe, 0x8e, 0x65, 0x9f, 0x8f,
                                               0xcf, 0x13, 0xcc, 0x6a, 0xe4, 0x01, 0x4a, 0x70, 0x78, 0x93, 0x05, 0x54, 0x33, 0x81, 0x85, 0x89}};

static void hash_v1(const pmm_poly_order_t *o, pmm_poly_word_t *out) {
  uint8_t words[13 * 32], *at = words;
  pmm__put_word(at, &order_v1_hash);
  pmm__put_u64(at += 32, o->salt);
  pmm__put_address(at += 32, &o->maker);
  pmm__put_address(at += 32, &o->signer);
  pmm__put_address(at += 32, &o->taker);
  pmm__put_word(at += 32, &o->token);
  pmm__put_u64(at += 32, o->maker_e6);
  pmm__put_u64(at += 32, o->taker_e6);
  pmm__put_u64(at += 32, o->expiration_s);
  pmm__put_u64(at += 32, o->nonce);
  pmm__put_u64(at += 32, o->fee_rate_bps);
  pmm__put_u64(at += 32, o->side);
  pmm__put_u64(at += 32, o->signature_type);
  assert(at + 32 == words + sizeof words);
  pmm_keccak256(words, sizeof words, out);
}

static void hash_v2(const pmm_poly_order_t *o, pmm_poly_word_t *out) {
  uint8_t words[12 * 32], *at = words;
  pmm__put_word(at, &order_v2_hash);
  pmm__put_u64(at += 32, o->salt);
  pmm__put_address(at += 32, &o->maker);
  pmm__put_address(at += 32, &o->signer);
  pmm__put_word(at += 32, &o->token);
  pmm__put_u64(at += 32, o->maker_e6);
  pmm__put_u64(at += 32, o->taker_e6);
  pmm__put_u64(at += 32, o->side);
  pmm__put_u64(at += 32, o->signature_type);
  pmm__put_u64(at += 32, o->timestamp_ms);
  pmm__put_word(at += 32, &o->metadata);
  pmm__put_word(at += 32, &o->builder);
  assert(at + 32 == words + sizeof words);
  pmm_keccak256(words, sizeof words, out);
}

void pmm__order_struct_hash(const pmm_poly_order_t *order, pmm_poly_word_t *out) {
  if (order->version == 1) hash_v1(order, out);
  else hash_v2(order, out);
}

void pmm_poly_order_id(const pmm_poly_domain_t *domain, const pmm_poly_order_t *order, pmm_poly_word_t *id) {
  pmm_poly_word_t hash;
  pmm__order_struct_hash(order, &hash);
  pmm__eip712_digest(&domain->separator, &hash, id);
}

/* The wallet signs typed data of its own that contains the order's hash, in the exchange's domain. Source: ERC-7739. */
void pmm__deposit_digest(const pmm_poly_domain_t *domain, const pmm_poly_address_t *wallet, const pmm_poly_word_t *struct_hash,
                         pmm_poly_word_t *out) {
  uint8_t words[7 * 32];
  pmm_poly_word_t hash;
  pmm__put_text(words, deposit_type);
  pmm__put_word(words + 32, struct_hash);
  pmm__put_text(words + 64, "DepositWallet");
  pmm__put_text(words + 96, "1");
  pmm__put_u64(words + 128, domain->chain_id);
  pmm__put_address(words + 160, wallet);
  memset(words + 192, 0, 32); /* salt */
  pmm_keccak256(words, sizeof words, &hash);
  pmm__eip712_digest(&domain->separator, &hash, out);
}

void pmm_poly_l1_digest(const pmm_poly_address_t *address, uint64_t chain_id, const char *timestamp, uint64_t nonce, pmm_poly_word_t *out) {
  uint8_t words[5 * 32];
  pmm_poly_word_t separator, hash;
  pmm__put_text(words, "EIP712Domain(string name,string version,uint256 chainId)");
  pmm__put_text(words + 32, "ClobAuthDomain");
  pmm__put_text(words + 64, "1");
  pmm__put_u64(words + 96, chain_id);
  pmm_keccak256(words, 4 * 32, &separator);
  pmm__put_text(words, "ClobAuth(address address,string timestamp,uint256 nonce,string message)");
  pmm__put_address(words + 32, address);
  pmm__put_text(words + 64, timestamp);
  pmm__put_u64(words + 96, nonce);
  pmm__put_text(words + 128, "This message attests that I control the given wallet");
  pmm_keccak256(words, sizeof words, &hash);
  pmm__eip712_digest(&separator, &hash, out);
}
