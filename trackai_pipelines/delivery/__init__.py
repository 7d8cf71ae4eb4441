"""Delivery: conversions become events of Meta's Conversions API, each sent once and accounted for.

Here: what an event holds, whether it may be sent, how it reaches Meta, and what an answer means. Not here: matching,
how a buyer's data is hashed (`customer_information`), and a server that answers like Meta's (`capi_sandbox`).
"""
