"""`make bench`: every measurement, one after the other."""

from bench import flat, intake

intake.main()
flat.main()
