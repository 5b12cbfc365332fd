/* pmm/polymarket.h -- what Polymarket's CLOB asks of whoever talks to it, and of whoever stands in for it: wallet signatures
   (EIP-712), request signatures (HMAC), order amounts and their rounding. Pure: no clock, no entropy, no I/O; the same calls
   serve the client, the exchange server that verifies, and `pmm sign`.
   Amounts and sizes are in millionths (collateral and outcome tokens both have 6 decimals), prices of the token itself, not
   of YES, unless a name says so.
   Sources: Polymarket CLOB API documentation (2026-11); EIP-712, EIP-55, ERC-7739; clob-client-v2 1.1.0. docs/venues.md. */
#ifndef PMM_POLYMARKET_H
#define PMM_POLYMARKET_H
#include "pmm/types.h"

#define PMM_POLY_HEX_WORD 67      /* "0x", 64 digits, NUL */
#define PMM_POLY_HEX_ADDRESS 43   /* "0x", 40 digits, NUL */
#define PMM_POLY_DEC_WORD 79      /* a uint256 in decimal, NUL */
#define PMM_POLY_SIG_MAX 317      /* a deposit wallet's wrapped signature; 65 for the others */
#define PMM_POLY_SALT_MAX ((UINT64_C(1) << 53) - 1) /* JSON carries the salt as a number */
#define PMM_POLY_SECRET_MAX 128   /* bytes of an API secret, decoded */
#define PMM_POLY_HMAC_TEXT 45     /* 44 characters of base64 and NUL */
#define PMM_POLY_ORDER_JSON_MAX 1536 /* an order of any version in JSON, NUL */
#define PMM_POLY_CHAIN_POLYGON UINT64_C(137)
#define PMM_POLY_CHAIN_AMOY UINT64_C(80002)

typedef struct pmm_poly_address { uint8_t b[20]; } pmm_poly_address_t;
typedef struct pmm_poly_word { uint8_t b[32]; } pmm_poly_word_t; /* uint256 (big-endian), bytes32 or a digest */

/* -- text and numbers -- */
/* Keccak-256 as Ethereum uses it (padding 0x01, not SHA-3's 0x06). */
void pmm_keccak256(const void *data, size_t len, pmm_poly_word_t *out);
/* "0x" and 40 or 64 hex digits of either case, the whole of text[0..len). PMM_PARSE. An address' checksum is not looked at. */
pmm_status_t pmm_poly_address_parse(const char *text, size_t len, pmm_poly_address_t *out);
pmm_status_t pmm_poly_word_parse(const char *text, size_t len, pmm_poly_word_t *out);
/* A uint256 in decimal digits: PMM_PARSE (empty, a stray character), PMM_OVERFLOW (2^256 or more). */
pmm_status_t pmm_poly_word_from_decimal(const char *text, size_t len, pmm_poly_word_t *out);
size_t pmm_poly_word_to_decimal(const pmm_poly_word_t *word, char buf[PMM_POLY_DEC_WORD]); /* length */
void pmm_poly_word_from_u64(uint64_t value, pmm_poly_word_t *out);
/* Lower-case hex with "0x" and NUL; buf holds 2*len + 3. Returns the length without NUL. */
size_t pmm_poly_hex(const uint8_t *bytes, size_t len, char *buf);
/* EIP-55: the mixed case that carries a checksum, as the venue's client sends addresses. */
void pmm_poly_address_print(const pmm_poly_address_t *address, char buf[PMM_POLY_HEX_ADDRESS]);
static inline bool pmm_poly_address_eq(const pmm_poly_address_t *a, const pmm_poly_address_t *b) { return __builtin_memcmp(a, b, sizeof *a) == 0; }
static inline bool pmm_poly_word_eq(const pmm_poly_word_t *a, const pmm_poly_word_t *b) { return __builtin_memcmp(a, b, sizeof *a) == 0; }

/* -- keys and wallets -- */
/* A wallet's private key on a page of its own that is locked, left out of core dumps and wiped by free. */
typedef struct pmm_poly_signer pmm_poly_signer_t;
/* key: 64 hex digits, with or without "0x"; seed blinds the signing against side channels and changes no signature.
   PMM_PARSE (not hex), PMM_INVAL (not a key of secp256k1), PMM_FULL. Error texts never hold the key. */
pmm_status_t pmm_poly_signer_new(const char *key, size_t key_len, const uint8_t seed[32], pmm_poly_signer_t **out, pmm_error_t *err);
void pmm_poly_signer_free(pmm_poly_signer_t *signer);
const pmm_poly_address_t *pmm_poly_signer_address(const pmm_poly_signer_t *signer);
/* 65 bytes r, s, v (27 or 28); RFC 6979, low s: the same bytes for the same digest. */
pmm_status_t pmm_poly_sign_digest(const pmm_poly_signer_t *signer, const pmm_poly_word_t *digest, uint8_t sig[65]);
/* The address whose key signed: PMM_INVAL when the bytes are no signature. */
pmm_status_t pmm_poly_recover(const pmm_poly_word_t *digest, const uint8_t sig[65], pmm_poly_address_t *out);
/* The contract wallets that belong to an owner (CREATE2). Deposit wallets are configured, not derived. */
void pmm_poly_proxy_wallet(const pmm_poly_address_t *owner, pmm_poly_address_t *out);
void pmm_poly_safe_wallet(const pmm_poly_address_t *owner, pmm_poly_address_t *out);

/* -- orders -- */
typedef enum pmm_poly_side { PMM_POLY_BUY = 0, PMM_POLY_SELL = 1 } pmm_poly_side_t;
typedef enum pmm_poly_wallet { PMM_POLY_EOA = 0, PMM_POLY_PROXY = 1, PMM_POLY_SAFE = 2, PMM_POLY_DEPOSIT = 3 } pmm_poly_wallet_t; /* signatureType */

typedef struct pmm_poly_order {
  uint8_t version;        /* 1, 2, 3: the EIP-712 domain's */
  uint8_t side;           /* pmm_poly_side_t */
  uint8_t signature_type; /* pmm_poly_wallet_t */
  uint64_t salt;          /* at most PMM_POLY_SALT_MAX */
  pmm_poly_address_t maker, signer, taker; /* taker: V1, zero for anyone */
  pmm_poly_word_t token;
  uint64_t maker_e6, taker_e6; /* what the maker gives, and wants */
  uint64_t timestamp_ms;  /* V2, V3 */
  uint64_t expiration_s;  /* signed in V1, only told in V2 and V3; 0 none */
  uint64_t nonce, fee_rate_bps; /* V1 */
  pmm_poly_word_t metadata, builder; /* V2, V3 */
} pmm_poly_order_t;

typedef struct pmm_poly_domain { /* an exchange contract, ready to hash with */
  uint8_t version;
  uint64_t chain_id;
  pmm_poly_address_t exchange;
  pmm_poly_word_t separator;
} pmm_poly_domain_t;
/* The venue's own exchanges on chains 137 and 80002; neg_risk does not matter to version 3. PMM_NOT_FOUND. */
pmm_status_t pmm_poly_domain(int version, bool neg_risk, uint64_t chain_id, pmm_poly_domain_t *out);
void pmm_poly_domain_at(int version, uint64_t chain_id, const pmm_poly_address_t *exchange, pmm_poly_domain_t *out);

/* The order's id is its EIP-712 digest in the exchange's domain: known before the order is sent. */
void pmm_poly_order_id(const pmm_poly_domain_t *domain, const pmm_poly_order_t *order, pmm_poly_word_t *id);
/* Signs; sig_len becomes 65, or 317 for a deposit wallet (ERC-1271 with ERC-7739's wrapper, V2 and V3 only). PMM_INVAL:
   salt, side, type or version out of range, domain of another version. About 50 us. */
pmm_status_t pmm_poly_order_sign(const pmm_poly_signer_t *signer, const pmm_poly_domain_t *domain, const pmm_poly_order_t *order,
                                 pmm_poly_word_t *id, uint8_t sig[PMM_POLY_SIG_MAX], size_t *sig_len);
/* Whose key signed the order. For a deposit wallet that is its owner's, and only after the wrapper has been checked against order,
   domain and wallet; whether owner and wallet (or proxy, Safe) belong together is the caller's question. PMM_INVAL. */
pmm_status_t pmm_poly_order_recover(const pmm_poly_domain_t *domain, const pmm_poly_order_t *order, const uint8_t *sig, size_t sig_len,
                                    pmm_poly_address_t *owner);
/* The order as JSON, keys in the order of the venue's client, NUL-terminated; returns the length. */
size_t pmm_poly_order_json(const pmm_poly_order_t *order, const uint8_t *sig, size_t sig_len, char buf[PMM_POLY_ORDER_JSON_MAX]);

/* -- prices and amounts -- */
/* A tick the venue has (0.1, 0.01, 0.005, 0.0025, 0.001, 0.0001), and a price on its grid within [tick, 1 - tick]. */
bool pmm_poly_tick_is_valid(int32_t tick_e4);
bool pmm_poly_price_is_valid(int32_t tick_e4, int32_t price_e4);

typedef struct pmm_poly_amounts { uint64_t maker_e6, taker_e6; } pmm_poly_amounts_t;
/* pmm_poly_amounts_limit: a resting order of qty_e6 shares, cut to 0.01; the price is rounded half up to the decimals of the tick.
   pmm_poly_amounts_market: an order to be filled at once. BUY: qty_e6 is the collateral to spend, cut to a cent, and shares are cut to
   the tick's decimals, or to shares_dec_max of them when that is fewer (the venue takes 4, its own client sends up to 6); SELL:
   qty_e6 is shares. The price is a limit, cut to the decimals of the tick.
   Exact; the client's floating point may come out a millionth lower (ticks 0.0025 and 0.0001, large sizes).
   PMM_INVAL (tick, price outside (0, 1], side, qty_e6 < 0), PMM_OVERFLOW. */
pmm_status_t pmm_poly_amounts_limit(pmm_poly_side_t side, int32_t tick_e4, int32_t price_e4, int64_t qty_e6, pmm_poly_amounts_t *out);
pmm_status_t pmm_poly_amounts_market(pmm_poly_side_t side, int32_t tick_e4, int32_t price_e4, int64_t qty_e6, int shares_dec_max,
                                     pmm_poly_amounts_t *out);
/* pmm_poly_buy_amount: the most of amount_e6 that can be spent at price_e4 when taker and builder fees
       base = min(amount, balance);  fees = base/p * rate * (p(1-p))^exponent + base * builder
   come on top and amount + fees must stay below balance_e6: amount, or max(balance - fees, 0). Fees are rounded up.
   PMM_INVAL (price, negative input, exponent > 4), PMM_OVERFLOW. Source: clob-client-v2 1.1.0. */
pmm_status_t pmm_poly_buy_amount(int64_t amount_e6, int32_t price_e4, int64_t balance_e6, int32_t rate_e6, int exponent, int32_t builder_e6,
                                 int64_t *out_e6);

/* -- requests -- */
/* L1: proof of the wallet, to make or derive API keys. */
pmm_status_t pmm_poly_l1_sign(const pmm_poly_signer_t *signer, uint64_t chain_id, int64_t timestamp_s, uint64_t nonce, uint8_t sig[65]);
pmm_status_t pmm_poly_l1_recover(const pmm_poly_address_t *address, uint64_t chain_id, int64_t timestamp_s, uint64_t nonce,
                                 const uint8_t sig[65], pmm_poly_address_t *signer);
void pmm_poly_l1_digest(const pmm_poly_address_t *address, uint64_t chain_id, const char *timestamp, uint64_t nonce, pmm_poly_word_t *out);

/* L2: every private request. The key is decoded once; signing neither allocates nor fails. */
typedef struct pmm_poly_hmac { _Alignas(16) uint8_t state[352]; } pmm_poly_hmac_t; /* keyed SHA-256 state; wipe with _fini */
/* secret: base64, either alphabet, with or without padding, stray characters skipped as the venue does.
   PMM_PARSE (empty), PMM_FULL (> PMM_POLY_SECRET_MAX). */
pmm_status_t pmm_poly_hmac_init(pmm_poly_hmac_t *hmac, const char *secret, size_t len);
void pmm_poly_hmac_fini(pmm_poly_hmac_t *hmac);
/* base64url of HMAC-SHA256 over timestamp, method, path (without query) and body, padding kept. */
void pmm_poly_hmac_sign(pmm_poly_hmac_t *hmac, int64_t timestamp_s, const char *method, const char *path, const void *body, size_t body_len,
                        char out[PMM_POLY_HMAC_TEXT]);
/* Compares in constant time, accepting either base64 alphabet. */
bool pmm_poly_hmac_verify(pmm_poly_hmac_t *hmac, const char *timestamp, const char *method, const char *path, const void *body,
                          size_t body_len, const char *signature, size_t signature_len);

/* SHA-1 in hex of a book summary as compact JSON whose "hash" is "": the client's helper. What the venue itself hashes is not
   published, so for its messages a hash is only good for equality. */
void pmm_poly_book_hash(const char *json, size_t len, char hex[41]);
#endif
