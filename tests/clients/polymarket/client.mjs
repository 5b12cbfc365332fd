// Polymarket's own client (@polymarket/clob-client-v2), unmodified, against `pmm exchange`: each step's effect is looked up in the exchange's ledger.
//   client.mjs URL ADMIN_TOKEN PMM
// The exchange must list one market ("demo", tick 0.01, no taker hold) and know the accounts maker and taker by their wallets below.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { AssetType, ClobClient, OrderType, Side } from "@polymarket/clob-client-v2";
import { createWalletClient, http, verifyTypedData } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { polygon } from "viem/chains";

const [url, token, pmm] = process.argv.slice(2);
// Accounts 0 and 1 of the public development mnemonic.
const keys = {
  maker: "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
  taker: "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
};
const funder = "0x9fE46736679d2D9a65F0992F2272dE9f3c7fa6e0"; // taker's deposit wallet

let steps = 0;
const step = async (name, run) => {
  await run();
  steps += 1;
  console.log(`ok ${steps} - ${name}`);
};

// What the exchange itself has: dollars and shares as numbers.
const admin = async (path, body) => {
  const answer = await fetch(`${url}/admin/${path}`, { method: body ? "POST" : "GET", body: body && JSON.stringify(body), headers: { Authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200, `${path}: ${answer.status}`);
  return answer.json();
};
const ledger = async (name) => {
  const { cash, orders, holdings } = await admin(`accounts/${name}`);
  const { yes, no } = holdings.find((h) => h.id === "demo");
  return { cash: Number(cash), open: orders.length, yes: Number(yes), no: Number(no) };
};

const wallet = (key) => createWalletClient({ account: privateKeyToAccount(key), chain: polygon, transport: http("http://127.0.0.1:9") });
const connect = async (key, more = {}) => {
  const options = { host: url, chain: 137, signer: wallet(key), ...more };
  const creds = await new ClobClient(options).createOrDeriveApiKey();
  assert.ok(creds.key && creds.secret && creds.passphrase, `no key: ${JSON.stringify(creds)}`);
  return { client: new ClobClient({ ...options, creds }), creds };
};
const near = (got, want, what) => assert.ok(Math.abs(got - want) < 1e-6, `${what}: ${got}, want ${want}`);
const accepted = (answer) => {
  assert.ok(answer.success && answer.orderID, JSON.stringify(answer));
  return answer.orderID;
};

const { client: maker, creds } = await connect(keys.maker);
const { client: taker } = await connect(keys.taker);
let market, yes, no;

await step("the same key is derived again, also by the server's clock", async () => {
  const again = await connect(keys.maker, { useServerTime: true });
  assert.deepEqual(again.creds, creds);
  assert.equal((await maker.getApiKeys()).apiKeys.length, 1);
});

await step("markets and their parameters", async () => {
  const page = await maker.getMarkets();
  assert.equal(page.next_cursor, "LTE=");
  market = page.data.find((m) => m.market_slug === "demo");
  [yes, no] = market.tokens.map((t) => t.token_id);
  assert.deepEqual(market.tokens.map((t) => t.outcome), ["Yes", "No"]);
  assert.equal(await maker.getTickSize(yes), "0.01");
  assert.equal(await maker.getNegRisk(yes), false);
  assert.equal((await maker.getMarket(market.condition_id)).condition_id, market.condition_id);
  assert.equal(await maker.getVersion?.() ?? 2, 2);
});

let bid, ask;
const before = await ledger("maker");
await step("a bid for each token rests; the ledger has both", async () => {
  bid = accepted(await maker.createAndPostOrder({ tokenID: yes, price: 0.45, size: 100, side: Side.BUY }, { tickSize: "0.01", negRisk: false }, OrderType.GTC));
  ask = accepted(await maker.createAndPostOrder({ tokenID: no, price: 0.5, size: 60, side: Side.BUY }, undefined, OrderType.GTC, true));
  assert.equal((await ledger("maker")).open, before.open + 2);
});

await step("the book, from both sides, with the hash that the client computes", async () => {
  const book = await maker.getOrderBook(yes);
  assert.deepEqual(book.bids.at(-1), { price: "0.45", size: "100" });
  assert.deepEqual(book.asks.at(-1), { price: "0.5", size: "60" });
  const mirror = (await maker.getOrderBooks([{ token_id: no, side: Side.BUY }]))[0];
  assert.deepEqual(mirror.asks.at(-1), { price: "0.55", size: "100" });
  const { hash } = book;
  assert.equal(await maker.getOrderBookHash(book), hash);
  assert.equal((await maker.getMidpoint(yes)).mid, "0.475");
  assert.equal((await maker.getSpread(yes)).spread, "0.05");
  assert.equal((await maker.getPrice(yes, Side.BUY)).price, "0.5");
});

await step("what may not be is refused in the venue's words", async () => {
  const crossing = await taker.createAndPostOrder({ tokenID: yes, price: 0.5, size: 10, side: Side.BUY }, undefined, OrderType.GTC, true);
  assert.match(crossing.error, /post-only order: order crosses book/);
  const small = await taker.createAndPostOrder({ tokenID: yes, price: 0.2, size: 1, side: Side.BUY });
  assert.match(small.error, /lower than the minimum: 5/);
  const naked = await taker.createAndPostOrder({ tokenID: yes, price: 0.6, size: 10, side: Side.SELL });
  assert.match(naked.error, /not enough balance/);
});

let trade;
await step("a market order spends dollars, at once; its transaction is found", async () => {
  const was = await ledger("taker");
  const answer = await taker.createAndPostMarketOrder({ tokenID: yes, amount: 10, side: Side.BUY }, undefined, OrderType.FOK);
  accepted(answer);
  assert.equal(answer.status, "matched");
  assert.equal(answer.makingAmount, "10");
  assert.equal(answer.takingAmount, "20");
  assert.match(answer.transactionsHashes[0], /^0x[0-9a-f]{64}$/); // the client waited for it
  trade = answer.tradeIDs[0];
  const now = await ledger("taker");
  near(now.yes - was.yes, 20, "shares");
  near(was.cash - now.cash, 10 + 20 * 0.05 * 0.25, "dollars and fee");
  near((await ledger("maker")).no, 20, "the maker minted the other side");
});

await step("the trade, as taker and as maker see it", async () => {
  const [mine] = await taker.getTrades({ id: trade });
  assert.equal(mine.trader_side, "TAKER");
  assert.equal(mine.price, "0.5");
  const [theirs] = await maker.getTrades({ market: market.condition_id });
  assert.equal(theirs.trader_side, "MAKER");
  assert.equal(theirs.maker_orders[0].order_id, ask);
});

await step("what was bought can be sold once its trade is confirmed", async () => {
  const early = await taker.createAndPostMarketOrder({ tokenID: yes, amount: 20, side: Side.SELL }, undefined, OrderType.FAK);
  if (early.error) assert.match(early.error, /balance: 20000000, .* sum of matched orders: 20000000/); // unless it is confirmed by now
  else return accepted(early);
  for (;;) { // bounded by the test's own time
    if ((await taker.getTrades({ id: trade }))[0].status === "CONFIRMED") break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const was = await ledger("taker");
  const answer = await taker.createAndPostMarketOrder({ tokenID: yes, amount: 20, side: Side.SELL }, undefined, OrderType.FAK);
  accepted(answer);
  assert.equal(answer.makingAmount, "20");
  assert.equal(answer.takingAmount, "9");
  near(was.yes - (await ledger("taker")).yes, 20, "shares");
});

await step("an order from a deposit wallet, by its owner's signature", async () => {
  const { client } = await connect(keys.taker, { signatureType: 3, funderAddress: funder });
  const id = accepted(await client.createAndPostOrder({ tokenID: no, price: 0.1, size: 10, side: Side.BUY }));
  const order = await client.getOrder(id);
  assert.equal(order.maker_address.toLowerCase(), funder.toLowerCase());
  assert.deepEqual((await client.cancelOrder({ orderID: id })).canceled, [id]);
});

await step("open orders, one by its id", async () => {
  const open = await maker.getOpenOrders({ market: market.condition_id });
  assert.equal(open.length, 2);
  assert.equal(open.find((o) => o.id === bid).size_matched, "20");
  assert.equal((await maker.getOrder(ask)).size_matched, "20");
});

await step("a batch; one of it too small", async () => {
  const options = { tickSize: "0.01", negRisk: false };
  const orders = [];
  for (const [price, size] of [[0.3, 10], [0.31, 1], [0.32, 10]]) {
    orders.push({ order: await maker.createOrder({ tokenID: yes, price, size, side: Side.BUY }, options), orderType: OrderType.GTC });
  }
  const answers = await maker.postOrders(orders);
  assert.deepEqual(answers.map((a) => a.orderID !== ""), [true, false, true]);
  assert.match(answers[1].errorMsg, /lower than the minimum/);
  assert.equal((await ledger("maker")).open, 4);
  const done = await maker.cancelOrders([answers[0].orderID, answers[2].orderID, `0x${"7".repeat(64)}`]);
  assert.equal(done.canceled.length, 2);
  assert.equal(Object.keys(done.not_canceled).length, 1);
  assert.equal((await ledger("maker")).open, 2);
});

await step("cancels by market and of everything", async () => {
  assert.deepEqual((await maker.cancelMarketOrders({ market: market.condition_id, asset_id: no })).canceled, [ask]);
  assert.equal((await ledger("maker")).open, 1);
  assert.deepEqual((await maker.cancelAll()).canceled, [bid]);
  assert.equal((await ledger("maker")).open, 0);
  assert.equal((await maker.getOpenOrders()).length, 0);
});

await step("balances agree with the ledger", async () => {
  const now = await ledger("maker");
  const { balance } = await maker.getBalanceAllowance({ asset_type: AssetType.COLLATERAL });
  near(Number(balance) / 1e6, now.cash, "dollars");
  const shares = await maker.getBalanceAllowance({ asset_type: AssetType.CONDITIONAL, token_id: no });
  near(Number(shares.balance) / 1e6, now.no, "shares");
  assert.equal((await maker.areOrdersScoring({ orderIds: [bid] }))[bid], false);
});

await step("heartbeats in a chain", async () => {
  const first = await maker.postHeartbeat();
  const second = await maker.postHeartbeat(first.heartbeat_id);
  assert.notEqual(second.heartbeat_id, first.heartbeat_id);
  const wrong = await maker.postHeartbeat("11111111-1111-4111-8111-111111111111");
  assert.equal(wrong.error.heartbeat_id ?? wrong.heartbeat_id, second.heartbeat_id);
});

await step("viem verifies what `pmm sign polymarket` signed, and the digest is the client's order id", async () => {
  const order = { tokenID: yes, side: "BUY", price: 0.45, size: 21.04, tick_size: "0.01", neg_risk: false, signature_type: 0, funder: null, fixed_salt: "479249096354", fixed_time_ms: "1700000000123" };
  const line = JSON.stringify({ id: "x", kind: "limit", version: 2, chain_id: 137, input: order });
  const run = spawnSync(pmm, ["sign", "polymarket"], { input: `${line}\n`, env: { ...process.env, PK: keys.maker }, encoding: "utf8" });
  assert.equal(run.status, 0, run.stderr);
  const signed = JSON.parse(run.stdout);
  const types = {
    Order: ["salt uint256", "maker address", "signer address", "tokenId uint256", "makerAmount uint256", "takerAmount uint256", "side uint8", "signatureType uint8", "timestamp uint256", "metadata bytes32", "builder bytes32"]
      .map((f) => { const [name, type] = f.split(" "); return { name, type }; }),
  };
  const domain = { name: "Polymarket CTF Exchange", version: "2", chainId: 137, verifyingContract: "0xE111180000d2663C0091e4f400237545B87B996B" };
  const address = privateKeyToAccount(keys.maker).address;
  const message = signed.message;
  assert.ok(await verifyTypedData({ address, domain, types, primaryType: "Order", message, signature: signed.signature }));
  message.takerAmount = String(BigInt(message.takerAmount) + 1n);
  assert.ok(!(await verifyTypedData({ address, domain, types, primaryType: "Order", message, signature: signed.signature })));
});

await step("the venue changes the version of its orders: the client signs anew", async () => {
  await admin("venue", { state: "version", value: 1 });
  const id = accepted(await maker.createAndPostOrder({ tokenID: yes, price: 0.2, size: 10, side: Side.BUY })); // refused with order_version_mismatch first
  assert.equal((await ledger("maker")).open, 1);
  await admin("venue", { state: "version", value: 2 });
  assert.deepEqual((await maker.cancelOrder({ orderID: id })).canceled, [id]);
});

await step("a restart, and post-only after it", async () => {
  const order = { tokenID: yes, price: 0.2, size: 10, side: Side.BUY };
  await admin("venue", { state: "restart", value: 3600 });
  assert.equal((await taker.createAndPostOrder(order)).status, 425);
  await admin("venue", { state: "restart", value: 0 });
  const refused = await taker.createAndPostOrder(order);
  assert.equal(refused.status, 503);
  assert.equal(refused.code, "post_only_mode");
  const id = accepted(await taker.createAndPostOrder(order, undefined, OrderType.GTC, true));
  await admin("venue", { state: "post_only", value: 0 });
  assert.deepEqual((await taker.cancelOrder({ orderID: id })).canceled, [id]);
});

await step("the exchange's books balance", async () => assert.deepEqual(await admin("check"), { ok: true, error: null }));

console.log(`1..${steps}`);
