"""Sample data: landing files of an invented world, and the answer that matching must find for them.

What belongs here: tenants, visitors and sales that do not exist, written as producers and gateways would deliver
them. What does not: reading those files back (`ingest`) and any rule of matching: stories state the answer
they were built for, and the two can be compared.
"""
