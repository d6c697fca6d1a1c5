"""What the daemon costs: each line of `make bench` is one claim, measured, with its target.

| Module | What | Baseline | Target |
|---|---|---|---|
| intake | events/s through line, tracker and matching | bare panoramisk | at least 2.0, 1.0 |
| flat | cost of an event at 10,000 live calls | the same at 10 | at most 1.2 |
| memory | resident memory of the idle daemon | | at most 60 MB |
| memory | resident memory for each live two-party call | | at most 6 kB |
| memory | both after 100,000 calls have passed | the same before | at most 1.1 |
| delivery | durable deliveries/s, from call change to outcome | bare aiohttp | at least 0.6 |
| latency | AMI event to first byte of webhook, p99 | store in memory, an fsync | 50 ms more |
| backlog | matching a change, picking the next at 1,000,000 | the same at 1,000 | at most 1.5 |
| backlog | start of the daemon with 1,000,000 | | at most 2 s |
| backlog | memory of the daemon with 1,000,000 | the same with 1,000 | at most 1.15 |
| hold | PUT OnHold to its answer, median and p99 | its steps by hand | at most 2.0, 3.0 |
| hold | PUT OnHold to the first packet of music | | |
| api | requests/s of PhoneCallEvents and PhoneCalls | bare Starlette | at least 0.5 |
| api | calls of an extension, 5,000 calls and 100,000 extensions | 5 calls | at most 1.2 |

Intake is of all events of the PBX (2.0), and of those of class call alone (1.0). Times are medians
of rounds in turns with the baseline, in seconds of a core, those of delivery, latency, hold and api
by the clock; hold is measured on the real PBX, all else without one. MB and kB are powers of ten.
That a reader who is held up loses nothing is a test on the real PBX, tests/pbx/test_load.py.
"""
