"""`python -m benchmarks` runs every benchmark; `python -m benchmarks queue …`, `… render …`, `… words …`, `… batch …`, `… board …`, `… fanout …` or `… numbers` runs one, with its options."""

import asyncio
import sys

from benchmarks import batch, board, fanout, numbers, queue, render, word_times


def main(given: list[str]) -> None:
    """Run what is named first, or all."""
    match given:
        case ["queue", *options]:
            queue.main(options)
        case ["render", *options]:
            asyncio.run(render.main(options))
        case ["batch", *options]:
            batch.main(options)
        case ["board", *options]:
            board.main(options)
        case ["fanout", *options]:
            fanout.main(options)
        case ["numbers", *options]:
            numbers.main(options)
        case ["words", *options]:
            word_times.main(options)
        case []:
            asyncio.run(render.main([]))
            word_times.main([])
            queue.main([])
            batch.main([])
            board.main([])
            fanout.main([])
            numbers.main([])
        case _:
            sys.exit(f"there is no benchmark {given[0]!r}: queue, render, words, batch, board, fanout, numbers")


if __name__ == "__main__":
    main(sys.argv[1:])
