"""Plate-read stores, read-only: ``reads`` names what a store is, one file per way to reach one.

``mapping`` says which column holds what, ``connections`` opens what cannot write, ``rows`` turns rows into
records and refuses those that lie, ``sql`` asks the question, ``sample`` is the city of the demo.
"""
