"""Runs moto's server on a host and port: `python -m local.moto HOST PORT`. Quiet, threaded, until it is ended."""

import logging
import sys

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple


def main() -> None:
    host, port = sys.argv[1], int(sys.argv[2])
    # One line a request would fill the disk of a stack that runs for weeks.
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    run_simple(host, port, DomainDispatcherApplication(create_backend_app), threaded=True)


if __name__ == "__main__":
    main()
