"""The plain script: prints the same stream, and the terminal itself echoes what is typed."""

import sys
import time


def main() -> None:
    sys.stdout.write("ready to type at once, with nothing but a terminal\n")
    sys.stdout.flush()
    ahead = 1e6 if "now" in sys.stdin.readline() else 0
    from bench.text import ANSWER, SPEED, due

    begun, done = time.monotonic() - ahead, 0
    while done < len(ANSWER):
        text = due(time.monotonic() - begun)
        sys.stdout.write(text[done:])
        sys.stdout.flush()
        done = len(text)
        time.sleep(1 / SPEED)
    time.sleep(600)


if __name__ == "__main__":
    main()
