/* fuzz_ws_frames.c -- frames and messages alone: wslay, reassembly, UTF-8, permessage-deflate and its agreement. The first byte chooses the end,
   compression and how the rest is cut into pieces. */
#include "net/frames.h"
#include "net_service.h"

typedef struct end { pmm__frames_t *frames; pmm__buf_t out; } end_t;

static void on_text(void *owner, const char *text, size_t len) {
  end_t *const e = owner;
  fuzz_touch(text, len + PMM_JSON_PAD);
  if (e->out.len < (1 << 20)) pmm__frames_put(e->frames, &e->out, PMM__TEXT, text, len);
}
static void on_ping(void *owner, const char *payload, size_t len) {
  end_t *const e = owner;
  if (len > 125) abort();
  if (e->out.len < (1 << 20)) pmm__frames_put(e->frames, &e->out, PMM__PONG, payload, len);
}
static void on_close(void *owner, int code, const char *why) {
  end_t *const e = owner;
  fuzz_touch(why, strlen(why) + 1);
  if (!pmm__frames_put_close(e->frames, &e->out, code, why)) abort();
}
static void on_mask(void *owner, unsigned char *out, size_t len) {
  (void)owner;
  memset(out, 0x5a, len);
}
static const pmm__frames_ops_t ops = {on_text, on_ping, on_ping, on_close, on_mask};

static void agree(const uint8_t *data, size_t size) {
  char text[256], answer[128];
  size_t const len = size < sizeof text - 1 ? size : sizeof text - 1;
  memcpy(text, data, len);
  text[len] = '\0';
  pmm__deflate_params_t params;
  pmm__deflate_answer(text, &params, answer, sizeof answer);
  if (params.on && (params.send_bits < 9 || params.send_bits > 15 || !answer[0])) abort();
  pmm__deflate_agreed(text, &params);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0) return 0;
  if (data[0] == 0xff) { agree(data + 1, size - 1); return 0; }
  end_t e = {0};
  pmm__frames_config_t const config = {.client = data[0] & 1, .message_max = 1 << 16,
                                       .deflate = {.on = data[0] & 2, .sends = data[0] & 2, .send_bits = 9 + (data[0] & 4), .send_fresh = data[0] & 8, .recv_fresh = data[0] & 16}};
  e.frames = pmm__frames_new(&config, &ops, &e);
  size_t const piece = (data[0] >> 5) ? (size_t)(data[0] >> 5) * 5 : size;
  const char *why;
  for (size_t at = 1; at < size; at += piece)
    if (pmm__frames_feed(e.frames, (const char *)data + at, size - at < piece ? size - at : piece, &why) != 0) {
      fuzz_touch(why, strlen(why) + 1);
      break;
    }
  pmm__frames_free(e.frames);
  pmm__buf_fini(&e.out);
  return 0;
}
