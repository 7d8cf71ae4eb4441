"""The demo: from an empty folder to attributions and delivered events, and the proof of both.

What belongs here: the course of it. What does not: anything about one domain, which declares its part (`DemoPart`).
"""
