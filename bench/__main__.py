"""`make bench`: every measurement, one after the other."""

from bench import api, backlog, delivery, flat, hold, intake, latency, memory

intake.main()
flat.main()
memory.main()
delivery.main()
latency.main()
backlog.main()
hold.main()
api.main()
