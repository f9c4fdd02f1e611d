"""The plain script: prints the same stream, and the terminal itself echoes what is typed."""

import asyncio
import sys


async def show(prompt: str) -> None:
    from bench.answer import answer  # after the start, which is measured without it

    async for text in answer([{"role": "user", "content": prompt}]):
        sys.stdout.write(text)
        sys.stdout.flush()


print("ready to type at once, with nothing but a terminal", flush=True)
for line in sys.stdin:
    asyncio.run(show(line.rstrip("\n")))
