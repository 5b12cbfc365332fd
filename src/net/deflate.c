#include "net/deflate.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#define MEM_LEVEL 8
static const char tail[4] = {0, 0, (char)0xff, (char)0xff}; /* of every message, not sent: RFC 7692 section 7.2.1 */

struct pmm__deflate {
  pmm__deflate_params_t params;
  bool packs, unpacks;
  z_stream pack, unpack;
};

/* -- agreement -- */

typedef struct offer {
  bool deflate, bad;
  bool server_fresh, client_fresh, has_server_bits, has_client_bits;
  int server_bits, client_bits; /* 0: without a value */
} offer_t;

static size_t skip_blank(const char *at) { return strspn(at, " \t"); }

/* "name" or "name=value"; at goes behind it. */
static void read_param(const char **at, char name[40], char value[8]) {
  *at += skip_blank(*at);
  size_t const len = strcspn(*at, " \t=;,");
  snprintf(name, 40, "%.*s", (int)(len < 39 ? len : 39), *at);
  *at += len;
  *at += skip_blank(*at);
  value[0] = '\0';
  if (**at != '=') return;
  *at += 1 + skip_blank(*at + 1);
  if (**at == '"') ++*at;
  size_t const value_len = strcspn(*at, " \t;,\"");
  snprintf(value, 8, "%.*s", (int)(value_len < 7 ? value_len : 7), *at);
  *at += strcspn(*at, ";,");
}

static bool read_bits(const char *value, int *bits) {
  *bits = atoi(value);
  return value[0] >= '1' && value[0] <= '9' && strlen(value) <= 2 && *bits >= 8 && *bits <= 15;
}

/* A parameter that is unknown, given twice or out of range spoils the offer: RFC 7692 section 7.1. */
static void apply(offer_t *o, const char *name, const char *value) {
  if (strcasecmp(name, "server_no_context_takeover") == 0) {
    o->bad |= o->server_fresh || value[0];
    o->server_fresh = true;
  } else if (strcasecmp(name, "client_no_context_takeover") == 0) {
    o->bad |= o->client_fresh || value[0];
    o->client_fresh = true;
  } else if (strcasecmp(name, "server_max_window_bits") == 0) {
    o->bad |= o->has_server_bits || !read_bits(value, &o->server_bits);
    o->has_server_bits = true;
  } else if (strcasecmp(name, "client_max_window_bits") == 0) {
    o->bad |= o->has_client_bits || (value[0] && !read_bits(value, &o->client_bits));
    o->has_client_bits = true;
  } else o->bad = true;
}

/* The next extension of the list; false: no more. */
static bool read_offer(const char **at, offer_t *o) {
  char name[40], value[8];
  *o = (offer_t){0};
  *at += strspn(*at, " \t,");
  if (**at == '\0') return false;
  read_param(at, name, value);
  o->deflate = strcasecmp(name, "permessage-deflate") == 0;
  while (*(*at += skip_blank(*at)) == ';') {
    ++*at;
    read_param(at, name, value);
    apply(o, name, value);
  }
  if (**at != ',' && **at != '\0') {
    o->bad = true;
    *at += strcspn(*at, ",");
  }
  return true;
}

pmm_status_t pmm__deflate_agreed(const char *header, pmm__deflate_params_t *params) {
  offer_t offer, other;
  *params = (pmm__deflate_params_t){0};
  if (!header || !read_offer(&header, &offer)) return PMM_OK;
  if (!offer.deflate || offer.bad || (offer.has_client_bits && offer.client_bits == 0) || read_offer(&header, &other)) return PMM_PARSE;
  *params = (pmm__deflate_params_t){.on = true, .recv_fresh = offer.server_fresh};
  return PMM_OK;
}

void pmm__deflate_answer(const char *header, pmm__deflate_params_t *params, char *answer, size_t cap) {
  offer_t offer;
  *params = (pmm__deflate_params_t){0};
  answer[0] = '\0';
  while (header && read_offer(&header, &offer)) {
    if (!offer.deflate || offer.bad || offer.server_bits == 8) continue; /* zlib cannot deflate with a window of 256 bytes */
    *params = (pmm__deflate_params_t){.on = true, .sends = true, .send_bits = offer.server_bits ? offer.server_bits : 15, .send_fresh = offer.server_fresh,
                                      .recv_fresh = offer.client_fresh};
    int const n = snprintf(answer, cap, "permessage-deflate%s%s", offer.server_fresh ? "; server_no_context_takeover" : "",
                           offer.client_fresh ? "; client_no_context_takeover" : "");
    if (offer.has_server_bits && n > 0 && (size_t)n < cap) snprintf(answer + n, cap - (size_t)n, "; server_max_window_bits=%d", offer.server_bits);
    return;
  }
}

/* -- messages -- */

pmm__deflate_t *pmm__deflate_new(const pmm__deflate_params_t *params) {
  pmm__deflate_t *const d = calloc(1, sizeof *d);
  if (d) d->params = *params;
  return d;
}

void pmm__deflate_free(pmm__deflate_t *d) {
  if (!d) return;
  if (d->packs) deflateEnd(&d->pack);
  if (d->unpacks) inflateEnd(&d->unpack);
  free(d);
}

/* Everything up to a byte boundary; the tail that this leaves is cut off. */
bool pmm__deflate_pack(pmm__deflate_t *d, pmm__buf_t *out, const char *data, size_t len) {
  if (!d->packs && deflateInit2(&d->pack, 1, Z_DEFLATED, -d->params.send_bits, MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) return false;
  d->packs = true;
  size_t const from = out->len;
  d->pack.next_in = (Bytef *)(uintptr_t)data;
  d->pack.avail_in = (uInt)len;
  do {
    if (!pmm__buf_reserve(out, len / 2 + 64)) return false;
    size_t const room = out->cap - out->at - out->len;
    d->pack.next_out = (Bytef *)pmm__buf_data(out) + out->len;
    d->pack.avail_out = (uInt)room;
    deflate(&d->pack, Z_SYNC_FLUSH);
    out->len += room - d->pack.avail_out;
  } while (d->pack.avail_out == 0);
  if (out->len - from < sizeof tail) return false;
  out->len -= sizeof tail;
  if (d->params.send_fresh) deflateReset(&d->pack);
  return true;
}

/* Until the input is used up and the last call left room, that is, nothing waits inside zlib. */
static pmm_status_t inflate_all(z_stream *z, pmm__buf_t *out, size_t max) {
  do {
    if (out->len > max || !pmm__buf_reserve(out, 1024)) return PMM_FULL;
    size_t const room = out->cap - out->at - out->len;
    z->next_out = (Bytef *)pmm__buf_data(out) + out->len;
    z->avail_out = (uInt)(room < max + 1 ? room : max + 1);
    size_t const given = z->avail_out;
    int const ret = inflate(z, Z_SYNC_FLUSH);
    out->len += given - z->avail_out;
    if (ret == Z_STREAM_END) inflateReset(z); /* a final block may end within a message: RFC 7692 section 7.2.3.4 */
    else if (ret != Z_OK && ret != Z_BUF_ERROR) return PMM_PARSE;
    else if (ret == Z_BUF_ERROR && z->avail_out > 0 && z->avail_in > 0) return PMM_PARSE;
  } while (z->avail_in > 0 || z->avail_out == 0);
  return out->len > max ? PMM_FULL : PMM_OK;
}

pmm_status_t pmm__deflate_unpack(pmm__deflate_t *d, pmm__buf_t *out, pmm__buf_t *data, size_t max) {
  if (!d->unpacks && inflateInit2(&d->unpack, -15) != Z_OK) return PMM_FULL;
  d->unpacks = true;
  if (!pmm__buf_put(data, tail, sizeof tail)) return PMM_FULL;
  d->unpack.next_in = (Bytef *)pmm__buf_data(data);
  d->unpack.avail_in = (uInt)data->len;
  pmm_status_t const st = inflate_all(&d->unpack, out, max);
  if (st == PMM_OK && d->params.recv_fresh) inflateReset(&d->unpack);
  return st;
}
