/* src/ledger/table.c -- pending fills by trade id: linear probing, deletion by shifting back, never more than half full. */
#include <assert.h>
#include "ledger/internal.h"
#include "pmm/hash.h"

static uint32_t home(const pmm_ledger_t *l, uint64_t trade_id) { return (uint32_t)pmm_hash_mix(0, trade_id) & l->table_mask; }

static uint32_t place_of(const pmm_ledger_t *l, uint64_t trade_id) {
  for (uint32_t i = home(l, trade_id);; i = (i + 1) & l->table_mask)
    if (l->table[i] == PMM__NONE || l->op[l->table[i]].trade_id == trade_id) return i;
}

uint32_t pmm__table_find(const pmm_ledger_t *ledger, uint64_t trade_id) { return ledger->table[place_of(ledger, trade_id)]; }

void pmm__table_put(pmm_ledger_t *ledger, uint32_t op) {
  uint32_t const at = place_of(ledger, ledger->op[op].trade_id);
  assert(ledger->table[at] == PMM__NONE);
  ledger->table[at] = op;
}

void pmm__table_drop(pmm_ledger_t *ledger, uint64_t trade_id) {
  uint32_t hole = place_of(ledger, trade_id);
  assert(ledger->table[hole] != PMM__NONE);
  uint32_t const mask = ledger->table_mask;
  for (uint32_t i = (hole + 1) & mask; ledger->table[i] != PMM__NONE; i = (i + 1) & mask) {
    uint32_t const want = home(ledger, ledger->op[ledger->table[i]].trade_id);
    if (((i - want) & mask) < ((i - hole) & mask)) continue; /* it would move before its home */
    ledger->table[hole] = ledger->table[i];
    hole = i;
  }
  ledger->table[hole] = PMM__NONE;
}
