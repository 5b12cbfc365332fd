/* pmm sign -- what the venue would be sent as proof: a line in, its signature a line out. For scripts, and to check keys and other
   clients against ours. Keys come from the environment, never from arguments. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cmd.h"
#include "out.h"
#include "pmm/decimal.h"
#include "pmm/kalshi.h"
#include "pmm/polymarket.h"

static const char help[] =
  "usage: pmm sign polymarket|kalshi < requests.jsonl\n"
  "\n"
  "Signs one request for each line of standard input and answers each with a line.\n"
  "\n"
  "polymarket: an order. The wallet's key is read from the environment variable PK.\n"
  "  {\"id\":\"1\",\"kind\":\"limit\",\"version\":2,\"chain_id\":137,\"input\":{\"tokenID\":\"71..\",\"side\":\"BUY\",\"price\":\"0.56\",\n"
  "   \"size\":\"21.04\",\"tick_size\":\"0.01\",\"neg_risk\":false,\"signature_type\":0}}\n"
  "  {\"id\":\"1\",\"message\":{..},\"digest\":\"0x..\",\"signature\":\"0x..\"}; the digest is the order's id\n"
  "  kind     limit (price, size), market (price, amount: collateral of a BUY, shares of a SELL), v3amounts (makerAmount,\n"
  "           takerAmount in millionths)\n"
  "  version  1, 2 or 3 of the exchange; chain_id 137 or 80002\n"
  "  input    also: funder (the wallet that trades), expiration (s), metadata and builderCode (versions 2, 3), nonce and feeRateBps\n"
  "           (version 1), fixed_salt and fixed_time_ms to repeat an order; without them the salt is random and the time is now\n"
  "\n"
  "kalshi: a request's headers. The file with the private key (PEM) is named by KALSHI_PRIVATE_KEY_PATH.\n"
  "  {\"id\":\"1\",\"timestamp\":\"1700000000000\",\"method\":\"GET\",\"path\":\"/trade-api/v2/portfolio/balance\"}\n"
  "  {\"id\":\"1\",\"message\":\"..\",\"signature\":\"..\"}; RSA signatures differ from call to call\n"
  "\n"
  "  --help   this text\n"
  "\n"
  "Exit status: 0 all lines signed, 1 a line was refused (stderr names it, the others are answered) or there is no key, 2 wrong usage.\n";

/* Answers one line into out; err->text says what is wrong with it. */
typedef pmm_status_t sign_fn_t(void *key, const json_t *in, json_t *out, pmm_error_t *err);

/* -- fields -- */
static pmm_status_t text_field(const json_t *o, const char *name, const char **out, pmm_error_t *err) {
  const json_t *const value = json_object_get(o, name);
  if (!json_is_string(value)) return pmm_error_set(err, PMM_PARSE, "%s: must be a string", name);
  *out = json_string_value(value);
  return PMM_OK;
}

/* A decimal as number or text. */
static pmm_status_t decimal_field(const json_t *o, const char *name, int scale, int64_t *out, pmm_error_t *err) {
  const json_t *const value = json_object_get(o, name);
  pmm_status_t st = PMM_PARSE;
  if (json_is_string(value)) st = pmm_decimal_parse(json_string_value(value), json_string_length(value), scale, out, NULL);
  else if (json_is_number(value)) st = pmm_decimal_from_double(json_number_value(value), scale, out);
  return st == PMM_OK ? PMM_OK : pmm_error_set(err, st, "%s: must be a decimal that fits", name);
}

static bool is_absent(const json_t *o, const char *name) {
  const json_t *const value = json_object_get(o, name);
  return !value || json_is_null(value);
}

/* A whole number >= 0 as number or text; fallback when it is not there. */
static pmm_status_t u64_field(const json_t *o, const char *name, uint64_t fallback, uint64_t *out, pmm_error_t *err) {
  const json_t *const value = json_object_get(o, name);
  int64_t got;
  *out = fallback;
  if (is_absent(o, name)) return PMM_OK;
  if (json_is_integer(value)) got = json_integer_value(value);
  else if (!json_is_string(value) || pmm_decimal_parse(json_string_value(value), json_string_length(value), 0, &got, NULL) != PMM_OK) got = -1;
  if (got < 0) return pmm_error_set(err, PMM_PARSE, "%s: must be a whole number", name);
  *out = (uint64_t)got;
  return PMM_OK;
}

static pmm_status_t word_field(const json_t *o, const char *name, pmm_poly_word_t *out, pmm_error_t *err) {
  const char *text = "";
  if (is_absent(o, name)) return PMM_OK;
  pmm_status_t const st = text_field(o, name, &text, err);
  if (st != PMM_OK) return st;
  return pmm_poly_word_parse(text, strlen(text), out) == PMM_OK ? PMM_OK : pmm_error_set(err, PMM_PARSE, "%s: must be 0x and 64 hex digits", name);
}

/* -- Polymarket -- */
static pmm_status_t random_salt(uint64_t *salt, pmm_error_t *err) {
  if (getrandom(salt, sizeof *salt, 0) != sizeof *salt) return pmm_error_set(err, PMM_IO, "no entropy: %s", strerror(errno));
  *salt >>= 12; /* 52 bits: JSON carries it as a number */
  return PMM_OK;
}

static pmm_status_t read_token(const json_t *input, pmm_poly_order_t *o, pmm_error_t *err) {
  const char *token = "", *side = "";
  pmm_status_t st = text_field(input, "tokenID", &token, err);
  if (st == PMM_OK) st = text_field(input, "side", &side, err);
  if (st != PMM_OK) return st;
  if (pmm_poly_word_from_decimal(token, strlen(token), &o->token) != PMM_OK) return pmm_error_set(err, PMM_PARSE, "tokenID: must be a decimal uint256");
  if (strcmp(side, "BUY") != 0 && strcmp(side, "SELL") != 0) return pmm_error_set(err, PMM_PARSE, "side: must be BUY or SELL");
  o->side = strcmp(side, "BUY") == 0 ? PMM_POLY_BUY : PMM_POLY_SELL;
  return PMM_OK;
}

static pmm_status_t read_wallets(const json_t *input, const pmm_poly_signer_t *key, pmm_poly_order_t *o, pmm_error_t *err) {
  uint64_t type;
  pmm_status_t st = u64_field(input, "signature_type", PMM_POLY_EOA, &type, err);
  if (st != PMM_OK) return st;
  if (type > PMM_POLY_DEPOSIT) return pmm_error_set(err, PMM_INVAL, "signature_type: must be 0, 1, 2 or 3");
  o->signature_type = (uint8_t)type;
  o->maker = o->signer = *pmm_poly_signer_address(key);
  if (is_absent(input, "funder")) return type == PMM_POLY_EOA ? PMM_OK : pmm_error_set(err, PMM_INVAL, "funder: must be given with signature_type %d", (int)type);
  const char *funder = "";
  st = text_field(input, "funder", &funder, err);
  if (st != PMM_OK) return st;
  if (pmm_poly_address_parse(funder, strlen(funder), &o->maker) != PMM_OK) return pmm_error_set(err, PMM_PARSE, "funder: must be 0x and 40 hex digits");
  if (type == PMM_POLY_DEPOSIT) o->signer = o->maker;
  return PMM_OK;
}

static pmm_status_t read_exact(const json_t *in, const json_t *input, pmm_poly_amounts_t *out, pmm_error_t *err) {
  const json_t *const where = is_absent(input, "makerAmount") ? json_object_get(in, "message") : input;
  if (is_absent(where, "makerAmount") || is_absent(where, "takerAmount")) return pmm_error_set(err, PMM_PARSE, "makerAmount, takerAmount: must be given");
  pmm_status_t const st = u64_field(where, "makerAmount", 0, &out->maker_e6, err);
  return st == PMM_OK ? u64_field(where, "takerAmount", 0, &out->taker_e6, err) : st;
}

static pmm_status_t read_amounts(const json_t *in, const json_t *input, pmm_poly_order_t *o, pmm_error_t *err) {
  const char *kind = "";
  pmm_poly_amounts_t got;
  int64_t price, tick, qty;
  pmm_status_t st = text_field(in, "kind", &kind, err);
  if (st != PMM_OK) return st;
  bool const limit = strcmp(kind, "limit") == 0;
  if (strcmp(kind, "v3amounts") == 0) {
    st = read_exact(in, input, &got, err);
  } else {
    if (!limit && strcmp(kind, "market") != 0) return pmm_error_set(err, PMM_INVAL, "kind: must be limit, market or v3amounts");
    st = decimal_field(input, "tick_size", 4, &tick, err);
    if (st == PMM_OK) st = decimal_field(input, "price", 4, &price, err);
    if (st == PMM_OK) st = decimal_field(input, limit ? "size" : "amount", 6, &qty, err);
    if (st != PMM_OK) return st;
    if (tick < 0 || tick > PMM_ONE_E4 || !pmm_poly_tick_is_valid((int32_t)tick)) return pmm_error_set(err, PMM_INVAL, "tick_size: not one of the venue's");
    if (price < tick || price > PMM_ONE_E4 - tick) return pmm_error_set(err, PMM_INVAL, "price: outside tick_size .. 1 - tick_size");
    st = limit ? pmm_poly_amounts_limit((pmm_poly_side_t)o->side, (int32_t)tick, (int32_t)price, qty, &got)
               : pmm_poly_amounts_market((pmm_poly_side_t)o->side, (int32_t)tick, (int32_t)price, qty, 6, &got);
    if (st != PMM_OK) return pmm_error_set(err, st, "%s: out of range", limit ? "size" : "amount");
  }
  if (st != PMM_OK) return st;
  o->maker_e6 = got.maker_e6;
  o->taker_e6 = got.taker_e6;
  return PMM_OK;
}

static pmm_status_t read_rest(const json_t *input, pmm_poly_order_t *o, pmm_error_t *err) {
  uint64_t salt = 0;
  pmm_status_t st = is_absent(input, "fixed_salt") ? random_salt(&salt, err) : PMM_OK;
  if (st == PMM_OK) st = u64_field(input, "fixed_salt", salt, &o->salt, err);
  if (st == PMM_OK) st = u64_field(input, "expiration", 0, &o->expiration_s, err);
  if (st != PMM_OK) return st;
  if (o->version == 1) {
    st = u64_field(input, "nonce", 0, &o->nonce, err);
    return st == PMM_OK ? u64_field(input, "feeRateBps", 0, &o->fee_rate_bps, err) : st;
  }
  st = u64_field(input, "fixed_time_ms", (uint64_t)(pmm_app_wall_ns() / PMM_NS_PER_MS), &o->timestamp_ms, err);
  if (st == PMM_OK) st = word_field(input, "metadata", &o->metadata, err);
  return st == PMM_OK ? word_field(input, "builderCode", &o->builder, err) : st;
}

static pmm_status_t read_order(const json_t *in, const pmm_poly_signer_t *key, pmm_poly_domain_t *domain, pmm_poly_order_t *o, pmm_error_t *err) {
  const json_t *const input = json_object_get(in, "input");
  uint64_t version, chain_id;
  if (!json_is_object(input)) return pmm_error_set(err, PMM_PARSE, "input: must be an object");
  pmm_status_t st = u64_field(in, "version", 2, &version, err);
  if (st == PMM_OK) st = u64_field(in, "chain_id", PMM_POLY_CHAIN_POLYGON, &chain_id, err);
  if (st != PMM_OK) return st;
  bool const neg_risk = json_is_true(json_object_get(input, "neg_risk"));
  if (version > 3 || pmm_poly_domain((int)version, neg_risk, chain_id, domain) != PMM_OK)
    return pmm_error_set(err, PMM_NOT_FOUND, "version, chain_id: no exchange known for them");
  *o = (pmm_poly_order_t){.version = (uint8_t)version};
  st = read_token(input, o, err);
  if (st == PMM_OK) st = read_wallets(input, key, o, err);
  if (st == PMM_OK) st = read_amounts(in, input, o, err);
  return st == PMM_OK ? read_rest(input, o, err) : st;
}

static void put_address(json_t *o, const char *name, const pmm_poly_address_t *address) {
  char text[PMM_POLY_HEX_ADDRESS];
  pmm_poly_address_print(address, text);
  json_object_set_new(o, name, json_string(text));
}

static void put_u64(json_t *o, const char *name, uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "%llu", (unsigned long long)value);
  json_object_set_new(o, name, json_string(text));
}

static void put_hex(json_t *o, const char *name, const uint8_t *bytes, size_t len) {
  char text[2 * PMM_POLY_SIG_MAX + 3];
  pmm_poly_hex(bytes, len, text);
  json_object_set_new(o, name, json_string(text));
}

static json_t *message_of(const pmm_poly_order_t *o) { /* in the order of the type, as it is hashed */
  json_t *const m = json_object();
  char token[PMM_POLY_DEC_WORD];
  pmm_poly_word_to_decimal(&o->token, token);
  put_u64(m, "salt", o->salt);
  put_address(m, "maker", &o->maker);
  put_address(m, "signer", &o->signer);
  if (o->version == 1) put_address(m, "taker", &o->taker);
  json_object_set_new(m, "tokenId", json_string(token));
  put_u64(m, "makerAmount", o->maker_e6);
  put_u64(m, "takerAmount", o->taker_e6);
  if (o->version == 1) {
    put_u64(m, "expiration", o->expiration_s);
    put_u64(m, "nonce", o->nonce);
    put_u64(m, "feeRateBps", o->fee_rate_bps);
  }
  json_object_set_new(m, "side", json_integer(o->side));
  json_object_set_new(m, "signatureType", json_integer(o->signature_type));
  if (o->version == 1) return m;
  put_u64(m, "timestamp", o->timestamp_ms);
  put_hex(m, "metadata", o->metadata.b, 32);
  put_hex(m, "builder", o->builder.b, 32);
  return m;
}

static pmm_status_t sign_polymarket(void *key, const json_t *in, json_t *out, pmm_error_t *err) {
  pmm_poly_domain_t domain;
  pmm_poly_order_t order;
  pmm_poly_word_t id;
  uint8_t sig[PMM_POLY_SIG_MAX];
  size_t sig_len;
  pmm_status_t st = read_order(in, key, &domain, &order, err);
  if (st != PMM_OK) return st;
  st = pmm_poly_order_sign(key, &domain, &order, &id, sig, &sig_len);
  if (st != PMM_OK) return pmm_error_set(err, st, "fixed_salt above 2^53 - 1, or signature_type 3 with version 1");
  json_object_set_new(out, "message", message_of(&order));
  put_hex(out, "digest", id.b, 32);
  put_hex(out, "signature", sig, sig_len);
  return PMM_OK;
}

/* -- Kalshi -- */
static pmm_status_t sign_kalshi(void *key, const json_t *in, json_t *out, pmm_error_t *err) {
  const char *method = "", *path = "";
  char timestamp[24], text[PMM_KALSHI_SIGN_TEXT_BUF], signature[PMM_KALSHI_SIGNATURE_BUF];
  uint64_t at_ms;
  size_t len;
  if (is_absent(in, "timestamp")) return pmm_error_set(err, PMM_PARSE, "timestamp: must be given");
  pmm_status_t st = u64_field(in, "timestamp", 0, &at_ms, err);
  if (st == PMM_OK) st = text_field(in, "method", &method, err);
  if (st == PMM_OK) st = text_field(in, "path", &path, err);
  if (st != PMM_OK) return st;
  snprintf(timestamp, sizeof timestamp, "%llu", (unsigned long long)at_ms);
  st = pmm_kalshi_sign_text(timestamp, method, path, text, sizeof text, &len);
  if (st == PMM_OK) st = pmm_kalshi_sign(key, timestamp, method, path, signature);
  if (st != PMM_OK) return pmm_error_set(err, st, "path: %s", pmm_status_to_string(st));
  json_object_set_new(out, "message", json_stringn(text, len));
  json_object_set_new(out, "signature", json_string(signature));
  return PMM_OK;
}

/* -- lines -- */
static pmm_status_t answer(sign_fn_t *fn, void *key, const char *line, size_t len, pmm_error_t *err) {
  json_error_t where;
  json_t *const in = json_loadb(line, len, JSON_REJECT_DUPLICATES, &where), *const out = json_object(), *id;
  pmm_status_t st;
  if (!in) st = pmm_error_set(err, PMM_PARSE, "not JSON: %s (column %d)", where.text, where.column);
  else if (!json_is_object(in)) st = pmm_error_set(err, PMM_PARSE, "must hold one object");
  else {
    if ((id = json_object_get(in, "id"))) json_object_set(out, "id", id);
    st = fn(key, in, out, err);
  }
  if (st == PMM_OK && (json_dumpf(out, stdout, JSON_COMPACT) != 0 || putchar('\n') == EOF || fflush(stdout) != 0))
    st = pmm_error_set(err, PMM_IO, "writing the answer: %s", strerror(errno));
  json_decref(out);
  json_decref(in);
  return st;
}

static int run(sign_fn_t *fn, void *key) {
  char *line = NULL;
  size_t cap = 0;
  unsigned long number = 0;
  int status = PMM_EXIT_DONE;
  ssize_t len;
  while ((len = getline(&line, &cap, stdin)) >= 0) {
    pmm_error_t err = {.status = PMM_OK};
    number++;
    if (strspn(line, " \t\r\n") == (size_t)len) continue;
    pmm_status_t const st = answer(fn, key, line, (size_t)len, &err);
    if (st == PMM_OK) continue;
    pmm_app_error("line %lu: %s", number, err.text);
    status = PMM_EXIT_FAILED;
    if (st == PMM_IO) break;
  }
  if (ferror(stdin)) {
    pmm_app_error("reading standard input: %s", strerror(errno));
    status = PMM_EXIT_FAILED;
  }
  free(line);
  return status;
}

static int run_polymarket(void) {
  char *const secret = getenv("PK");
  uint8_t seed[32];
  pmm_poly_signer_t *signer = NULL;
  pmm_error_t err;
  if (!secret || !*secret) {
    pmm_app_error("PK: the wallet's private key must be in this environment variable");
    return PMM_EXIT_FAILED;
  }
  bool const seeded = getrandom(seed, sizeof seed, 0) == sizeof seed;
  if (!seeded) pmm_error_set(&err, PMM_IO, "no entropy: %s", strerror(errno));
  bool const ok = seeded && pmm_poly_signer_new(secret, strlen(secret), seed, &signer, &err) == PMM_OK;
  explicit_bzero(secret, strlen(secret)); /* also out of /proc/self/environ */
  if (!ok) {
    pmm_app_error("PK: %s", err.text);
    return PMM_EXIT_FAILED;
  }
  int const status = run(sign_polymarket, signer);
  pmm_poly_signer_free(signer);
  return status;
}

/* The key file's text; false with a message. */
static bool read_pem(const char *path, char buf[PMM_KALSHI_PEM_BUF], size_t *len) {
  FILE *const file = fopen(path, "r");
  if (file) setvbuf(file, NULL, _IONBF, 0); /* no copy of the key in a buffer that nobody clears */
  *len = file ? fread(buf, 1, PMM_KALSHI_PEM_BUF, file) : 0;
  bool const ok = file && !ferror(file) && *len < PMM_KALSHI_PEM_BUF;
  if (!ok) pmm_app_error("%s: %s", path, !file || ferror(file) ? strerror(errno) : "too large for a private key");
  if (file) fclose(file);
  return ok;
}

static int run_kalshi(void) {
  const char *const path = getenv("KALSHI_PRIVATE_KEY_PATH");
  char pem[PMM_KALSHI_PEM_BUF];
  pmm_kalshi_key_t *key = NULL;
  pmm_error_t err;
  size_t len;
  if (!path || !*path) {
    pmm_app_error("KALSHI_PRIVATE_KEY_PATH: must name the file with the private key");
    return PMM_EXIT_FAILED;
  }
  bool const was_read = read_pem(path, pem, &len);
  bool const ok = was_read && pmm_kalshi_key_read(&key, pem, len, &err) == PMM_OK;
  explicit_bzero(pem, sizeof pem);
  if (was_read && !ok) pmm_app_error("%s: %s", path, err.text);
  int const status = ok ? run(sign_kalshi, key) : PMM_EXIT_FAILED;
  pmm_kalshi_key_free(key);
  return status;
}

int pmm_cmd_sign(int argc, char **argv) {
  static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
  int c;
  while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
    if (c != 'h') return pmm_app_usage("sign", NULL);
    fputs(help, stdout);
    return PMM_EXIT_DONE;
  }
  if (optind + 1 != argc) return pmm_app_usage("sign", "name one venue: polymarket or kalshi");
  if (strcmp(argv[optind], "polymarket") == 0) return run_polymarket();
  if (strcmp(argv[optind], "kalshi") == 0) return run_kalshi();
  return pmm_app_usage("sign", "no venue '%s' (known: polymarket, kalshi)", argv[optind]);
}
