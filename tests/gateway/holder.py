"""A process that holds a chain as a receiver does: `python -m tests.gateway.holder CHAIN FOLDER HUNG_S MANNER`.

MANNER: well, lives until it is ended; stuck, hangs in a lock as soon as the chain is on. Says "on" when it is on.
"""

import logging
import sys
import threading
import time
from pathlib import Path

from gateway.chain_files import read_chain
from gateway.chain_switch import ChainSwitch


def main() -> None:
    logging.basicConfig(level="INFO", stream=sys.stderr)
    chain, folder, hung_s, manner = sys.argv[1:]
    switch = ChainSwitch.begin(read_chain(Path(chain)), Path(folder), hung_s=float(hung_s))
    switch.switch(True)
    while not switch.is_on:
        switch.alive()
        time.sleep(0.05)
    print("on", flush=True)
    if manner == "stuck":
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()
    while True:
        switch.alive()
        if manner == "ends" and sys.stdin.readline():
            switch.close()
            return
        time.sleep(0.1)


if __name__ == "__main__":
    main()
