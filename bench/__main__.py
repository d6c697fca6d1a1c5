"""`make bench`: every measurement, one after the other."""

from bench import flat, intake, memory

intake.main()
flat.main()
memory.main()
