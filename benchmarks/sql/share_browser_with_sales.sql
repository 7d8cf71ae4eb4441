-- Gives 5 in 100 of the sales the browser id of share_browser.
UPDATE trackai.conversions SET fbp = 'fb.1.1700000000000.1' WHERE benchmark.chance(id, 12) < 0.05
