"""The text that the floor streams: 1,000 tokens of four characters, in lines of prose."""

TOKENS = tuple(
    f"w{index % 100:02d} " + ("\n" if index % 20 == 19 else "") for index in range(1_000)
)
