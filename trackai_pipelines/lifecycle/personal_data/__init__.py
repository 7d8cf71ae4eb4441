"""Personal data: removed by age, and on request."""
