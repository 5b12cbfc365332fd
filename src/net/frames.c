#include "net/frames.h"
#include <stdlib.h>
#include <string.h>
#include <wslay/wslay.h>
#include "base/json.h"

#define CONTROL_MAX 125
#define KEEP_MAX ((size_t)256 << 10)   /* of a message's memory, until the next one */
#define DEFLATE_MIN 128                /* shorter messages gain nothing */

struct pmm__frames {
  pmm__frames_config_t config;
  const pmm__frames_ops_t *ops; void *owner;
  wslay_frame_context_ptr wslay;
  const char *in; size_t in_len;       /* being fed */
  pmm__buf_t *out;                     /* being written */
  /* the frame being read */
  uint64_t left; bool inside, fin; int frame_opcode;
  char control[CONTROL_MAX + PMM_JSON_PAD]; size_t control_len;
  /* the message being read */
  int opcode; bool deflated;           /* opcode 0: none */
  pmm__buf_t message, plain, packed;
  pmm__deflate_t *deflate;
  bool stopped;
  const char *why;
};

static ssize_t on_send(const uint8_t *data, size_t len, int flags, void *ctx) {
  (void)flags;
  pmm__frames_t *const f = ctx;
  return pmm__buf_put(f->out, data, len) ? (ssize_t)len : -1;
}

static ssize_t on_recv(uint8_t *out, size_t len, int flags, void *ctx) {
  (void)flags;
  pmm__frames_t *const f = ctx;
  if (f->in_len == 0) return -1; /* wslay then reports that it wants more */
  size_t const n = len < f->in_len ? len : f->in_len;
  memcpy(out, f->in, n);
  f->in += n;
  f->in_len -= n;
  return (ssize_t)n;
}

static int on_mask(uint8_t *out, size_t len, void *ctx) {
  pmm__frames_t *const f = ctx;
  f->ops->mask(f->owner, out, len);
  return 0;
}

pmm__frames_t *pmm__frames_new(const pmm__frames_config_t *config, const pmm__frames_ops_t *ops, void *owner) {
  static const struct wslay_frame_callbacks callbacks = {on_send, on_recv, on_mask};
  pmm__frames_t *const f = calloc(1, sizeof *f);
  if (!f) return NULL;
  f->config = *config;
  f->ops = ops;
  f->owner = owner;
  bool ok = wslay_frame_context_init(&f->wslay, &callbacks, f) == 0;
  if (config->deflate.on) ok = (f->deflate = pmm__deflate_new(&config->deflate)) && ok;
  if (ok) return f;
  pmm__frames_free(f);
  return NULL;
}

void pmm__frames_free(pmm__frames_t *f) {
  if (!f) return;
  if (f->wslay) wslay_frame_context_free(f->wslay);
  pmm__deflate_free(f->deflate);
  pmm__buf_fini(&f->message);
  pmm__buf_fini(&f->plain);
  pmm__buf_fini(&f->packed);
  free(f);
}

void pmm__frames_stop(pmm__frames_t *f) { f->stopped = true; }

/* -- reading -- */

static int fail(pmm__frames_t *f, int code, const char *why) {
  f->why = why;
  f->stopped = true;
  return code;
}

/* What may stand in a close frame: RFC 6455 section 7.4. */
static bool close_code_is_valid(int code) { return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) || (code >= 3000 && code <= 4999); }

static int end_close(pmm__frames_t *f) {
  const unsigned char *const payload = (const unsigned char *)f->control;
  if (f->control_len == 0) { f->ops->close(f->owner, 1005, ""); return 0; }
  int const code = f->control_len >= 2 ? payload[0] << 8 | payload[1] : 0;
  if (!close_code_is_valid(code)) return fail(f, 1002, "invalid close frame");
  if (!pmm_json_is_utf8(f->control + 2, f->control_len - 2)) return fail(f, 1007, "invalid UTF-8");
  f->control[f->control_len] = '\0';
  f->ops->close(f->owner, code, f->control + 2);
  return 0;
}

static int end_control(pmm__frames_t *f) {
  if (f->frame_opcode == WSLAY_PING) f->ops->ping(f->owner, f->control, f->control_len);
  else if (f->frame_opcode == WSLAY_PONG) f->ops->pong(f->owner, f->control, f->control_len);
  else {
    int const code = end_close(f);
    f->stopped = true;
    return code;
  }
  return 0;
}

static int end_message(pmm__frames_t *f) {
  pmm__buf_t *text = &f->message;
  if (f->deflated) {
    text = &f->plain;
    pmm_status_t const st = pmm__deflate_unpack(f->deflate, text, &f->message, f->config.message_max);
    if (st == PMM_PARSE) return fail(f, 1007, "message does not inflate");
    if (st != PMM_OK) return fail(f, 1009, "message too large");
  }
  if (!pmm__buf_reserve(text, PMM_JSON_PAD)) return fail(f, 1011, "no memory");
  if (f->opcode == WSLAY_TEXT_FRAME && !pmm_json_is_utf8(pmm__buf_data(text), text->len)) return fail(f, 1007, "invalid UTF-8");
  f->opcode = 0;
  f->ops->message(f->owner, pmm__buf_data(text), text->len);
  pmm__buf_clear(&f->message, KEEP_MAX);
  pmm__buf_clear(&f->plain, KEEP_MAX);
  return 0;
}

static int begin_frame(pmm__frames_t *f, const struct wslay_frame_iocb *frame) {
  bool const control = wslay_is_ctrl_frame(frame->opcode);
  if ((bool)frame->mask == f->config.client) return fail(f, 1002, f->config.client ? "masked frame from a server" : "unmasked frame from a client");
  bool const rsv1 = wslay_get_rsv1(frame->rsv);
  if ((frame->rsv & ~WSLAY_RSV1_BIT) || (rsv1 && (!f->deflate || control || frame->opcode == WSLAY_CONTINUATION_FRAME)))
    return fail(f, 1002, "reserved bits set");
  f->inside = true;
  f->fin = frame->fin;
  f->left = frame->payload_length;
  f->frame_opcode = frame->opcode;
  f->control_len = 0;
  if (control) {
    if (!frame->fin || frame->payload_length > CONTROL_MAX || frame->opcode > WSLAY_PONG) return fail(f, 1002, "invalid control frame");
    return 0;
  }
  if (frame->opcode > WSLAY_BINARY_FRAME) return fail(f, 1002, "unknown opcode");
  if ((frame->opcode == WSLAY_CONTINUATION_FRAME) == (f->opcode == 0)) return fail(f, 1002, "fragments out of order");
  if (frame->opcode != WSLAY_CONTINUATION_FRAME) {
    f->opcode = frame->opcode;
    f->deflated = rsv1;
  }
  /* Refused by what it announces: nobody gets us to collect it first. */
  if (frame->payload_length > f->config.message_max - f->message.len) return fail(f, 1009, "message too large");
  return 0;
}

static int take_payload(pmm__frames_t *f, const uint8_t *data, size_t len) {
  f->left -= len;
  if (wslay_is_ctrl_frame(f->frame_opcode)) {
    memcpy(f->control + f->control_len, data, len);
    f->control_len += len;
  } else if (!pmm__buf_put(&f->message, data, len)) return fail(f, 1011, "no memory");
  if (f->left > 0) return 0;
  f->inside = false;
  if (wslay_is_ctrl_frame(f->frame_opcode)) return end_control(f);
  return f->fin ? end_message(f) : 0;
}

int pmm__frames_feed(pmm__frames_t *f, const char *bytes, size_t len, const char **why) {
  f->in = bytes;
  f->in_len = len;
  int code = 0;
  while (!f->stopped) {
    struct wslay_frame_iocb frame;
    memset(&frame, 0, sizeof frame);
    ssize_t const n = wslay_frame_recv(f->wslay, &frame);
    if (n < 0) {
      if (n != WSLAY_ERR_WANT_READ) code = fail(f, 1002, "malformed frame");
      break;
    }
    if (!f->inside) code = begin_frame(f, &frame);
    if (!f->stopped) code = take_payload(f, frame.data, frame.data_length);
  }
  if (code) *why = f->why;
  return code;
}

/* -- writing -- */

static bool put(pmm__frames_t *f, pmm__buf_t *out, int opcode, uint8_t rsv, const char *data, size_t len) {
  struct wslay_frame_iocb frame;
  memset(&frame, 0, sizeof frame);
  frame.fin = 1;
  frame.rsv = rsv;
  frame.opcode = (uint8_t)opcode;
  frame.mask = f->config.client;
  frame.payload_length = len;
  size_t const from = out->len;
  f->out = out;
  do {
    frame.data = (const uint8_t *)data;
    frame.data_length = len;
    ssize_t const n = wslay_frame_send(f->wslay, &frame);
    if (n < 0) { out->len = from; return false; }
    data += n;
    len -= (size_t)n;
  } while (len > 0);
  return true;
}

bool pmm__frames_put(pmm__frames_t *f, pmm__buf_t *out, pmm__opcode_t opcode, const char *data, size_t len) {
  if (!pmm__buf_reserve(out, len + 14)) return false; /* no longer than the longest header: a frame is put whole or not at all */
  bool const packs = f->deflate && f->config.deflate.sends && opcode <= PMM__BINARY && len >= DEFLATE_MIN;
  if (!packs) return put(f, out, opcode, WSLAY_RSV_NONE, data, len);
  pmm__buf_clear(&f->packed, KEEP_MAX);
  if (!pmm__deflate_pack(f->deflate, &f->packed, data, len) || !pmm__buf_reserve(out, f->packed.len + 14)) return false;
  return put(f, out, opcode, WSLAY_RSV1_BIT, pmm__buf_data(&f->packed), f->packed.len);
}

bool pmm__frames_put_close(pmm__frames_t *f, pmm__buf_t *out, int code, const char *why) {
  char payload[CONTROL_MAX];
  size_t len = 0;
  if (code != 1005 && code != 1006) {
    len = strnlen(why, CONTROL_MAX - 2);
    while (len > 0 && ((unsigned char)why[len] & 0xc0) == 0x80) len--; /* cut between characters */
    payload[0] = (char)(code >> 8);
    payload[1] = (char)code;
    memcpy(payload + 2, why, len);
    len += 2;
  }
  return pmm__frames_put(f, out, PMM__CLOSE, payload, len);
}
