-- Gives 5 in 100 of the clicks one browser id, as a broken tracking script does.
UPDATE trackai.clicks SET fbp = 'fb.1.1700000000000.1' WHERE benchmark.chance(id, 12) < 0.05
