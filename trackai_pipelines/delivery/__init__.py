"""Delivery: conversions become events of Meta's Conversions API, each sent once and accounted for.

Here: what an event holds, whether it may be sent, what an answer means, and the way of an event to Meta. Not here:
matching, how a buyer's data is hashed (`customer_information`), and a server that answers like Meta's
(`capi_sandbox`).
"""
