/* Words and addresses as text: hex, EIP-55, decimal uint256. */
#include "internal.h"

/* Value of a hex digit, by table: order ids stand in every private message. 0x80 marks what is none. */
#define X 0x80
static const uint8_t hex_value[256] = {
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,  X,  X,  X,  X,  X,  X, X, X, X, X, X, X, X, X,
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, X, X, X, X, X, X, X, 10, 11, 12, 13, 14, 15, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, 10, 11, 12, 13, 14, 15, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X,
    X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X};
#undef X

static pmm_status_t hex_parse(const char *text, size_t len, uint8_t *out, size_t cnt) {
  uint8_t bytes[32], wrong = 0;
  if (len != 2 + 2 * cnt || text[0] != '0' || text[1] != 'x') return PMM_PARSE;
  for (size_t i = 0; i < cnt; i++) {
    uint8_t const high = hex_value[(uint8_t)text[2 + 2 * i]], low = hex_value[(uint8_t)text[3 + 2 * i]];
    wrong |= high | low;
    bytes[i] = (uint8_t)(high << 4 | low);
  }
  if (wrong & 0x80) return PMM_PARSE;
  memcpy(out, bytes, cnt);
  return PMM_OK;
}

pmm_status_t pmm_poly_address_parse(const char *text, size_t len, pmm_poly_address_t *out) { return hex_parse(text, len, out->b, 20); }
pmm_status_t pmm_poly_word_parse(const char *text, size_t len, pmm_poly_word_t *out) { return hex_parse(text, len, out->b, 32); }

size_t pmm__poly_put(char *buf, size_t at, const char *text) {
  size_t const len = strlen(text);
  memcpy(buf + at, text, len);
  return at + len;
}

size_t pmm__put_decimal(char *buf, size_t at, uint64_t value) {
  char rev[20];
  size_t n = 0;
  do rev[n++] = (char)('0' + value % 10);
  while (value /= 10);
  while (n > 0) buf[at++] = rev[--n];
  return at;
}

#define ROW(d) d "0" d "1" d "2" d "3" d "4" d "5" d "6" d "7" d "8" d "9" d "a" d "b" d "c" d "d" d "e" d "f"
static const char hex_pair[] = ROW("0") ROW("1") ROW("2") ROW("3") ROW("4") ROW("5") ROW("6") ROW("7") ROW("8") ROW("9") ROW("a") ROW("b") ROW("c") ROW("d") ROW("e") ROW("f");
#undef ROW

size_t pmm__put_hex(char *buf, size_t at, const uint8_t *bytes, size_t len) {
  buf[at++] = '0';
  buf[at++] = 'x';
  for (size_t i = 0; i < len; i++, at += 2) memcpy(buf + at, hex_pair + 2 * bytes[i], 2);
  return at;
}

size_t pmm_poly_hex(const uint8_t *bytes, size_t len, char *buf) {
  size_t const end = pmm__put_hex(buf, 0, bytes, len);
  buf[end] = '\0';
  return end;
}

/* A letter is upper case where the hash of the lower-case digits has a nibble of 8 or more. Source: EIP-55. */
void pmm_poly_address_print(const pmm_poly_address_t *address, char buf[PMM_POLY_HEX_ADDRESS]) {
  pmm_poly_word_t hash;
  pmm_poly_hex(address->b, sizeof address->b, buf);
  pmm_keccak256(buf + 2, 40, &hash);
  for (size_t i = 0; i < 40; i++) {
    int const nibble = hash.b[i / 2] >> (i % 2 ? 0 : 4) & 15;
    if (nibble >= 8 && buf[2 + i] >= 'a') buf[2 + i] = (char)(buf[2 + i] - 'a' + 'A');
  }
}

/* A uint256 as four words, least significant first. */
typedef struct wide { uint64_t w[4]; } wide_t;

/* a = a * by + add; false when it does not fit. */
static bool wide_mul_add(wide_t *a, uint64_t by, uint64_t add) {
  unsigned __int128 carry = add;
  for (int i = 0; i < 4; i++) {
    carry += (unsigned __int128)a->w[i] * by;
    a->w[i] = (uint64_t)carry;
    carry >>= 64;
  }
  return carry == 0;
}

/* a = a / by; the remainder. */
static uint64_t wide_div(wide_t *a, uint64_t by) {
  unsigned __int128 rem = 0;
  for (int i = 3; i >= 0; i--) {
    rem = rem << 64 | a->w[i];
    a->w[i] = (uint64_t)(rem / by);
    rem %= by;
  }
  return (uint64_t)rem;
}

static void wide_store(const wide_t *a, pmm_poly_word_t *out) {
  for (size_t i = 0; i < 4; i++) {
    uint64_t const be = __builtin_bswap64(a->w[3 - i]);
    memcpy(out->b + i * 8, &be, 8);
  }
}

static wide_t wide_load(const pmm_poly_word_t *word) {
  wide_t a;
  for (size_t i = 0; i < 4; i++) {
    uint64_t be;
    memcpy(&be, word->b + i * 8, 8);
    a.w[3 - i] = __builtin_bswap64(be);
  }
  return a;
}

pmm_status_t pmm_poly_word_from_decimal(const char *text, size_t len, pmm_poly_word_t *out) {
  wide_t value = {{0}};
  if (len == 0) return PMM_PARSE;
  for (size_t i = 0; i < len; i++)
    if (text[i] < '0' || text[i] > '9') return PMM_PARSE;
  for (size_t i = 0; i < len; i++)
    if (!wide_mul_add(&value, 10, (uint64_t)(text[i] - '0'))) return PMM_OVERFLOW;
  wide_store(&value, out);
  return PMM_OK;
}

size_t pmm_poly_word_to_decimal(const pmm_poly_word_t *word, char buf[PMM_POLY_DEC_WORD]) {
  wide_t value = wide_load(word);
  char rev[PMM_POLY_DEC_WORD];
  size_t n = 0, len = 0;
  do rev[n++] = (char)('0' + wide_div(&value, 10));
  while ((value.w[0] | value.w[1] | value.w[2] | value.w[3]) != 0);
  while (n > 0) buf[len++] = rev[--n];
  buf[len] = '\0';
  return len;
}

void pmm_poly_word_from_u64(uint64_t value, pmm_poly_word_t *out) { wide_store(&(wide_t){{value}}, out); }
