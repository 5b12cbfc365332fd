/* pmm/kalshi.h -- Kalshi's wire: signatures, what its messages mean, what its requests look like. Pure functions and memory of
   the caller: no sockets, no clock. The adapter that trades over it is opened through pmm/venue.h.
   Source: Kalshi API docs, OpenAPI 3.31 and AsyncAPI 2.0 (2026-11). */
#ifndef PMM_KALSHI_H
#define PMM_KALSHI_H
#include "pmm/event.h"
#include "pmm/ladder.h"
#include "pmm/market.h"
#include "pmm/net.h"

/* -- keys: RSA (2048 to 4096 bits) or Ed25519 -- */
#define PMM_KALSHI_SIGNATURE_BUF 700   /* base64 of 512 bytes and a NUL */
#define PMM_KALSHI_PATH_BUF 256
#define PMM_KALSHI_SIGN_TEXT_BUF (PMM_KALSHI_PATH_BUF + 64)
#define PMM_KALSHI_PEM_BUF 8192

typedef struct pmm_kalshi_key pmm_kalshi_key_t;
/* A private key from PEM, PKCS#1 or PKCS#8, not encrypted; the caller clears his text. PMM_PARSE, PMM_UNSUPPORTED (kind, bits), PMM_FULL. */
pmm_status_t pmm_kalshi_key_read(pmm_kalshi_key_t **key, const char *pem, size_t len, pmm_error_t *err);
/* A public key ("BEGIN PUBLIC KEY"), which can only verify. */
pmm_status_t pmm_kalshi_key_read_public(pmm_kalshi_key_t **key, const char *pem, size_t len, pmm_error_t *err);
/* A new pair from the kernel's entropy, for simulators and tests. */
pmm_status_t pmm_kalshi_key_generate(pmm_kalshi_key_t **key, bool ed25519, pmm_error_t *err);
/* As PEM text (PMM_KALSHI_PEM_BUF suffices). PMM_STATE (no private key), PMM_FULL. */
pmm_status_t pmm_kalshi_key_pem(const pmm_kalshi_key_t *key, bool is_private, char *buf, size_t cap);
void pmm_kalshi_key_free(pmm_kalshi_key_t *key); /* NULL is fine */

/* What is signed: timestamp (ms, decimal) METHOD path; from path "?query" is left out, /trade-api/... belongs to it.
   PMM_INVAL (path), PMM_FULL (cap). */
pmm_status_t pmm_kalshi_sign_text(const char *timestamp, const char *method, const char *path, char *buf, size_t cap, size_t *len);
/* Signature of that text in base64: RSA-PSS (SHA-256, salt 32) or Ed25519. Draws the salt from OpenSSL's generator.
   PMM_STATE (public key), PMM_INVAL, PMM_FULL (path), PMM_IO (OpenSSL). */
pmm_status_t pmm_kalshi_sign(const pmm_kalshi_key_t *key, const char *timestamp, const char *method, const char *path,
                             char signature[PMM_KALSHI_SIGNATURE_BUF]);
/* The other end: PMM_OK, PMM_REJECTED (signature of something else), PMM_PARSE (no base64), PMM_INVAL, PMM_FULL (path). */
pmm_status_t pmm_kalshi_verify(const pmm_kalshi_key_t *key, const char *timestamp, const char *method, const char *path, const char *signature);

/* -- headers signed ahead: neither body nor query is signed, so one signature serves every order within the clock window -- */
#define PMM_KALSHI_KEY_ID_BUF 64
#define PMM_KALSHI_PREPARED_MAX 32
#define PMM_KALSHI_HEADERS 3
#define PMM_KALSHI_WINDOW_NS (4 * PMM_NS_PER_S) /* offsets of 5 s were accepted, 30 s refused (demo, 2026-06) */
#define PMM_KALSHI_REFILL_NS (2 * PMM_NS_PER_S)

typedef struct pmm_kalshi_signer pmm_kalshi_signer_t;
typedef struct pmm_kalshi_signer_stats { uint64_t ready, late, signatures; } pmm_kalshi_signer_stats_t; /* served as prepared; signed when asked for */
/* Borrows key. PMM_INVAL (public key, key id), PMM_FULL. */
pmm_status_t pmm_kalshi_signer_open(pmm_kalshi_signer_t **signer, const pmm_kalshi_key_t *key, const char *key_id, pmm_error_t *err);
void pmm_kalshi_signer_close(pmm_kalshi_signer_t *signer); /* NULL is fine */
/* Keeps headers for a method and path ready from now on, as number *slot. PMM_FULL, PMM_INVAL (too long). */
pmm_status_t pmm_kalshi_signer_prepare(pmm_kalshi_signer_t *signer, const char *method, const char *path, uint32_t *slot);
/* Signs the prepared headers that are oldest, if older than PMM_KALSHI_REFILL_NS; false: nothing to do. One signature a call, for idle moments.
   Times are the venue's (our clock plus its offset). */
bool pmm_kalshi_signer_refill(pmm_kalshi_signer_t *signer, int64_t now_ns);
/* Prepared headers: a table look-up, unless they are too old and are signed first. The texts are valid until the slot is refilled. */
pmm_status_t pmm_kalshi_signer_at(pmm_kalshi_signer_t *signer, uint32_t slot, int64_t now_ns, pmm_header_t header[PMM_KALSHI_HEADERS]);
/* Headers for any other path, signed here and now; valid until the next call of this function. */
pmm_status_t pmm_kalshi_signer_sign(pmm_kalshi_signer_t *signer, const char *method, const char *path, int64_t now_ns,
                                    pmm_header_t header[PMM_KALSHI_HEADERS]);
const pmm_kalshi_signer_stats_t *pmm_kalshi_signer_stats(const pmm_kalshi_signer_t *signer);

#endif
