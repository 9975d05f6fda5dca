"""`python -m chaos`: a run, with its counts at the end. Exits with 1 if a promise was broken."""

from __future__ import annotations

import argparse
import logging
import random
import signal
import sys
import tempfile
from pathlib import Path

from chaos.report import report
from chaos.run import run


def main() -> int:
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30, help="how long faults are made")
    parser.add_argument("--seed", type=int, help="of an earlier run, to make the same faults")
    parser.add_argument(
        "--standby",
        choices=("synchronous", "asynchronous"),
        default="synchronous",
        help="with an asynchronous one, all is judged but what it cannot have had in time",
    )
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    folder = Path(tempfile.mkdtemp(prefix="pgstate-chaos-"))
    folder.chmod(0o755)
    # A shell may have left Ctrl-C ignored. Either signal ends all processes of the run.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    # Outages are what the run makes.
    logging.getLogger("streamlit_pgstate").setLevel(logging.ERROR)
    print(f"seed {seed}, {options.minutes:g} minutes, {options.standby} standby, in {folder}")
    outcome = run(
        folder,
        seed=seed,
        minutes=options.minutes,
        is_synchronous=options.standby == "synchronous",
    )
    print(report(outcome))
    return bool(outcome.broken)


if __name__ == "__main__":
    sys.exit(main())
