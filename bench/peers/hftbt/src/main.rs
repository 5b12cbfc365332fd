//! hftbacktest (the crate) on the standing workloads of bench/README.md. Prints one JSON line.
//!
//! usage: hftbt [--depth roi|hash] [--sets-out FILE] WORKLOAD DATA [SETS.json]
//!   WORKLOAD  w1, w1-replay, w2, w4, w4-replay (all markets in one backtest) or w4-each (one backtest a market)
//!   DATA      the CSV of bench/w1.py, or for w4 a folder of them
//!
//! The rows are in memory and the backtest is built before the clock starts.

use std::{
    error::Error,
    fs,
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use hftbacktest::{
    backtest::{
        Backtest, DataSource, ExchangeKind, L2AssetBuilder,
        assettype::LinearAsset,
        data::Data,
        models::{
            CommonFees, ConstantLatency, PowerProbQueueFunc3, ProbQueueModel, TradingValueFeeModel,
        },
    },
    depth::{L2MarketDepth, ROIVectorMarketDepth},
    prelude::*,
};

const USAGE: &str =
    "usage: hftbt [--depth roi|hash] [--sets-out FILE] w1|w1-replay|w2|w4|w4-replay|w4-each DATA [SETS.json]";
const TICK: f64 = 0.01;
const LATENCY_NS: i64 = 5_000_000;

type Fallible<T> = Result<T, Box<dyn Error>>;

/// One parameter set of the strategy; W1 is the default.
#[derive(Clone, Copy)]
struct Params {
    max_position: f64,
    lots: f64,
    interval_ns: i64,
}

const W1: Params = Params {
    max_position: 1000.0,
    lots: 20.0,
    interval_ns: 10_000_000,
};

#[derive(Clone, Copy, Default)]
struct Counts {
    decisions: u64,
    submits: u64,
    fills: i64,
    position: f64,
    wall: Duration,
}

impl Counts {
    fn add(&mut self, other: &Counts) {
        self.decisions += other.decisions;
        self.submits += other.submits;
        self.fills += other.fills;
        self.position += other.position;
        self.wall += other.wall;
    }
}

fn parse_row(line: &str) -> Option<Event> {
    let mut field = line.split(',');
    let exch_us: i64 = field.next()?.parse().ok()?;
    let local_us: i64 = field.next()?.parse().ok()?;
    let kind = match field.next()? {
        "depth" => DEPTH_EVENT,
        "trade" => TRADE_EVENT,
        _ => return None,
    };
    let side = match field.next()? {
        "1" => BUY_EVENT,
        "-1" => SELL_EVENT,
        _ => return None,
    };
    let cents: f64 = field.next()?.parse().ok()?;
    let qty: f64 = field.next()?.parse().ok()?;
    Some(Event {
        ev: EXCH_EVENT | LOCAL_EVENT | side | kind,
        exch_ts: exch_us * 1000,
        local_ts: local_us * 1000,
        px: cents / 100.0,
        qty,
        order_id: 0,
        ival: 0,
        fval: 0.0,
    })
}

fn load(path: &Path) -> Fallible<Data<Event>> {
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let mut rows = Vec::new();
    for (i, line) in text.lines().enumerate().skip(1) {
        rows.push(parse_row(line).ok_or_else(|| {
            format!("{}:{}: not a row of bench/w1.py", path.display(), i + 1)
        })?);
    }
    if rows.is_empty() {
        return Err(format!("{}: no rows", path.display()).into());
    }
    Ok(Data::from_data(&rows))
}

fn load_folder(folder: &Path) -> Fallible<Vec<Data<Event>>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(|e| format!("{}: {e}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "csv"))
        .collect();
    paths.sort();
    if paths.is_empty() {
        return Err(format!("{}: no .csv files", folder.display()).into());
    }
    paths.iter().map(|p| load(p)).collect()
}

fn load_sets(path: &Path) -> Fallible<Vec<Params>> {
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let json: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
    let sets = json["sets"]
        .as_array()
        .ok_or_else(|| format!("{}: no array \"sets\"", path.display()))?;
    sets.iter()
        .enumerate()
        .map(|(i, set)| {
            let number = |key: &str| {
                set[key]
                    .as_f64()
                    .ok_or_else(|| format!("{}: sets[{i}].{key}: not a number", path.display()))
            };
            Ok(Params {
                max_position: number("max_position")?,
                lots: number("size")?,
                interval_ns: (number("interval_ms")? * 1e6) as i64,
            })
        })
        .collect()
}

trait Depth: MarketDepth + L2MarketDepth + 'static {
    fn make() -> Self;
}

impl Depth for ROIVectorMarketDepth {
    fn make() -> Self {
        ROIVectorMarketDepth::new(TICK, 1.0, 0.0, 1.0)
    }
}

impl Depth for HashMapMarketDepth {
    fn make() -> Self {
        HashMapMarketDepth::new(TICK, 1.0)
    }
}

fn build<D: Depth>(markets: &[Data<Event>]) -> Fallible<Backtest<D>> {
    let mut builder = Backtest::builder();
    for data in markets {
        let asset = L2AssetBuilder::new()
            .data(vec![DataSource::Data(data.clone())])
            .latency_model(ConstantLatency::new(LATENCY_NS, LATENCY_NS))
            .asset_type(LinearAsset::new(1.0))
            .fee_model(TradingValueFeeModel::new(CommonFees::new(0.0, 0.0)))
            .exchange(ExchangeKind::NoPartialFillExchange)
            .queue_model(ProbQueueModel::new(PowerProbQueueFunc3::new(2.0)))
            .depth(D::make)
            .build()
            .map_err(|e| format!("asset: {e:?}"))?;
        builder = builder.add_asset(asset);
    }
    Ok(builder.build().map_err(|e| format!("backtest: {e:?}"))?)
}

/// One decision on one market. Returns how many orders it submitted.
fn decide<D: Depth>(
    bot: &mut Backtest<D>,
    market: usize,
    p: &Params,
    next_id: &mut u64,
    cancels: &mut Vec<u64>,
) -> Fallible<u64> {
    bot.clear_inactive_orders(Some(market));
    let (bid, ask) = (bot.depth(market).best_bid_tick(), bot.depth(market).best_ask_tick());
    if bid < 1 || ask > 99 || bid >= ask {
        return Ok(0);
    }
    let position = bot.position(market);
    let mut want_buy = position < p.max_position;
    let mut want_sell = position > -p.max_position;
    cancels.clear();
    for order in bot.orders(market).values() {
        let (at, want) = match order.side {
            Side::Buy => (bid, &mut want_buy),
            _ => (ask, &mut want_sell),
        };
        if order.price_tick == at {
            *want = false;
        } else if order.cancellable() {
            cancels.push(order.order_id);
        }
    }
    for &id in cancels.iter() {
        bot.cancel(market, id, false)?;
    }
    let mut submits = 0;
    if want_buy {
        *next_id += 1;
        let price = bid as f64 * TICK;
        bot.submit_buy_order(market, *next_id, price, p.lots, TimeInForce::GTX, OrdType::Limit, false)?;
        submits += 1;
    }
    if want_sell {
        *next_id += 1;
        let price = ask as f64 * TICK;
        bot.submit_sell_order(market, *next_id, price, p.lots, TimeInForce::GTX, OrdType::Limit, false)?;
        submits += 1;
    }
    Ok(submits)
}

fn quote<D: Depth>(markets: &[Data<Event>], p: &Params) -> Fallible<Counts> {
    let mut bot = build::<D>(markets)?;
    let mut counts = Counts::default();
    let mut next_id = 0;
    let mut cancels = Vec::with_capacity(16);
    let start = Instant::now();
    while bot.elapse(p.interval_ns)? == ElapseResult::Ok {
        for market in 0..markets.len() {
            counts.decisions += 1;
            counts.submits += decide(&mut bot, market, p, &mut next_id, &mut cancels)?;
        }
    }
    counts.wall = start.elapsed();
    for market in 0..markets.len() {
        let values = bot.state_values(market);
        counts.fills += values.num_trades;
        counts.position += values.position;
    }
    Ok(counts)
}

fn replay<D: Depth>(markets: &[Data<Event>]) -> Fallible<Counts> {
    let mut bot = build::<D>(markets)?;
    let start = Instant::now();
    bot.goto_end()?;
    Ok(Counts {
        wall: start.elapsed(),
        ..Counts::default()
    })
}

/// Peak resident memory of this process, MiB, rows in memory included.
fn peak_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .and_then(|l| l.trim().trim_end_matches(" kB").parse::<f64>().ok())
        .map_or(f64::NAN, |kib| kib / 1024.0)
}

/// The peak so far is that of reading the files: what counts begins here.
fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

struct Args {
    workload: String,
    data: PathBuf,
    sets: Option<PathBuf>,
    depth: String,
    sets_out: Option<PathBuf>,
}

fn parse_args() -> Option<Args> {
    let (mut depth, mut sets_out, mut rest) = (String::from("roi"), None, Vec::new());
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--depth" => depth = args.next()?,
            "--sets-out" => sets_out = Some(PathBuf::from(args.next()?)),
            flag if flag.starts_with("--") => return None,
            _ => rest.push(arg),
        }
    }
    let wanted = if rest.first()? == "w2" { 3 } else { 2 };
    if rest.len() != wanted {
        return None;
    }
    Some(Args {
        workload: rest[0].clone(),
        data: PathBuf::from(&rest[1]),
        sets: rest.get(2).map(PathBuf::from),
        depth,
        sets_out,
    })
}

fn run_sets<D: Depth>(args: &Args, markets: &[Data<Event>]) -> Fallible<(Counts, usize)> {
    let path = args.sets.as_ref().ok_or("w2 needs its sets")?;
    let sets = load_sets(path)?;
    let mut out = match &args.sets_out {
        Some(path) => Some(fs::File::create(path).map_err(|e| format!("{}: {e}", path.display()))?),
        None => None,
    };
    let mut sum = Counts::default();
    for (i, set) in sets.iter().enumerate() {
        let one = quote::<D>(markets, set)?;
        if let Some(file) = &mut out {
            writeln!(
                file,
                "{{\"set\":{i},\"decisions\":{},\"submits\":{},\"fills\":{},\"position\":{}}}",
                one.decisions, one.submits, one.fills, one.position
            )?;
        }
        sum.add(&one);
    }
    Ok((sum, sets.len()))
}

fn run<D: Depth>(args: &Args) -> Fallible<()> {
    let one_market = args.workload.starts_with("w1") || args.workload == "w2";
    let markets = if one_market { vec![load(&args.data)?] } else { load_folder(&args.data)? };
    let rows: usize = markets.iter().map(|m| m.len()).sum();
    forget_peak();
    let mut events = rows;
    let counts = match args.workload.as_str() {
        "w1" | "w4" => quote::<D>(&markets, &W1)?,
        "w1-replay" | "w4-replay" => replay::<D>(&markets)?,
        "w4-each" => {
            let mut sum = Counts::default();
            for market in &markets {
                sum.add(&quote::<D>(std::slice::from_ref(market), &W1)?);
            }
            sum
        }
        "w2" => {
            let (sum, sets) = run_sets::<D>(args, &markets)?;
            events *= sets;
            sum
        }
        other => return Err(format!("{other}: no such workload\n{USAGE}").into()),
    };
    let wall = counts.wall.as_secs_f64();
    println!(
        "{{\"peer\":\"hftbacktest-rust\",\"version\":\"0.9.4\",\"depth\":\"{}\",\"workload\":\"{}\",\"markets\":{},\"events\":{events},\
         \"events_per_s\":{:.0},\"decisions\":{},\"submits\":{},\"fills\":{},\"position\":{},\"peak_mib\":{:.1},\"data_mib\":{:.1},\"wall_s\":{wall:.6}}}",
        args.depth,
        args.workload,
        markets.len(),
        events as f64 / wall,
        counts.decisions,
        counts.submits,
        counts.fills,
        counts.position,
        peak_mib(),
        (rows * size_of::<Event>()) as f64 / (1024.0 * 1024.0),
    );
    Ok(())
}

fn main() {
    let Some(args) = parse_args() else {
        eprintln!("{USAGE}");
        std::process::exit(2);
    };
    let done = match args.depth.as_str() {
        "roi" => run::<ROIVectorMarketDepth>(&args),
        "hash" => run::<HashMapMarketDepth>(&args),
        _ => {
            eprintln!("{USAGE}");
            std::process::exit(2);
        }
    };
    if let Err(error) = done {
        eprintln!("hftbt: {error}");
        std::process::exit(1);
    }
}
