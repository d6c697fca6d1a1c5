"""What the daemon costs: each line of `make bench` is one claim, measured, with its target.

| Module | What | Baseline | Target |
|---|---|---|---|
| intake | events/s through line, tracker and matching | bare panoramisk | at least 2.0, 1.0 |
| flat | cost of an event at 10,000 live calls | the same at 10 | at most 1.2 |
| memory | resident memory of the idle daemon | | at most 60 MB |
| memory | resident memory for each live two-party call | | at most 6 kB |
| memory | both after 100,000 calls have passed | the same before | at most 1.1 |

Intake is of all events of the PBX (2.0), and of those of class call alone (1.0). Times are medians
of rounds in turns with the baseline, in seconds of a core; MB and kB are powers of ten. That a
reader who is held up loses nothing is a test on the real PBX, tests/pbx/test_load.py.
"""
