"""Runs the local AWS on a host and port: `python -m local.moto HOST PORT`. Quiet, threaded, until it is ended."""

import logging
import sys

from werkzeug.serving import run_simple

from local.emulation import application


def main() -> None:
    host, port = sys.argv[1], int(sys.argv[2])
    # One line a request would fill the disk of a stack that runs for weeks.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    run_simple(host, port, application(), threaded=True)


if __name__ == "__main__":
    main()
