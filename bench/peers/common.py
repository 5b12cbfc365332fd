"""What the Python drivers of the peers share: the rows of bench/w1.py in memory, memory figures, the line they print."""

import json
import pathlib
import sys

import pandas

COLUMNS = ["exch_us", "local_us", "kind", "side", "price_cents", "qty"]


def fail(message, status=1):
    print(f"{pathlib.Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    sys.exit(status)


def load(path):
    """One CSV of bench/w1.py as a data frame; kind becomes a boolean column `trade`."""
    try:
        rows = pandas.read_csv(path)
    except (OSError, ValueError) as error:
        fail(f"{path}: {error}")
    if list(rows.columns) != COLUMNS or rows.empty:
        fail(f"{path}:1: not the columns of bench/w1.py, or no rows")
    rows["trade"] = rows.pop("kind") == "trade"
    return rows


def load_folder(folder):
    paths = sorted(pathlib.Path(folder).glob("*.csv"))
    if not paths:
        fail(f"{folder}: no .csv files")
    return [load(path) for path in paths]


def _status(field):
    for line in open("/proc/self/status"):
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    return float("nan")


def rss_mib():
    return _status("VmRSS")


def peak_mib():
    return _status("VmHWM")


def forget_peak():
    """The peak so far is that of preparing the rows: what counts begins here."""
    try:
        open("/proc/self/clear_refs", "w").write("5")
    except OSError:
        pass


def report(peer, version, workload, markets, events, wall_s, data_mib, decisions=0, submits=0, fills=0, position=0.0, **more):
    print(
        json.dumps(
            {
                "peer": peer, "version": version, "workload": workload, "markets": markets, "events": events,
                "events_per_s": round(events / wall_s), "decisions": decisions, "submits": submits, "fills": fills,
                "position": position, "peak_mib": round(peak_mib(), 1), "data_mib": round(data_mib, 1),
                "wall_s": round(wall_s, 6), **more,
            },
            separators=(",", ":"),
        )
    )
