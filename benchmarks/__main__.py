"""Run every benchmark and print one JSON object each."""

import asyncio

from benchmarks.render import main

asyncio.run(main())
