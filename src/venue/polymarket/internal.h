/* venue/polymarket/internal.h -- what the files of this folder share. */
#ifndef PMM_VENUE_POLYMARKET_INTERNAL_H
#define PMM_VENUE_POLYMARKET_INTERNAL_H
#include <string.h>
#include "pmm/polymarket.h"

/* -- keccak.c -- */
#define PMM__KECCAK_RATE 136 /* bytes absorbed between permutations: 1600 bits less twice 256 */

/* -- eip712.c: ABI encoding is a row of 32-byte words -- */
void pmm__put_word(uint8_t *at, const pmm_poly_word_t *word);
void pmm__put_u64(uint8_t *at, uint64_t value);
void pmm__put_address(uint8_t *at, const pmm_poly_address_t *address);
void pmm__put_text(uint8_t *at, const char *text); /* its Keccak hash */
void pmm__eip712_digest(const pmm_poly_word_t *separator, const pmm_poly_word_t *struct_hash, pmm_poly_word_t *out);
void pmm__order_struct_hash(const pmm_poly_order_t *order, pmm_poly_word_t *out);
/* The digest that a deposit wallet's owner signs in place of the order's own. */
void pmm__deposit_digest(const pmm_poly_domain_t *domain, const pmm_poly_address_t *wallet, const pmm_poly_word_t *struct_hash,
                         pmm_poly_word_t *out);
extern const char pmm__order_v2_type[];
#define PMM__ORDER_V2_TYPE_LEN 186

/* -- secret.c: memory for keys -- */
void *pmm__secret_alloc(size_t size); /* zeroed, whole pages, locked if the system lets us, not dumped; NULL */
void pmm__secret_free(void *memory, size_t size); /* wiped */

/* -- text.c -- */
size_t pmm__poly_put(char *buf, size_t at, const char *text); /* appends without NUL; the new end */
size_t pmm__put_decimal(char *buf, size_t at, uint64_t value);
size_t pmm__put_hex(char *buf, size_t at, const uint8_t *bytes, size_t len);
#endif
