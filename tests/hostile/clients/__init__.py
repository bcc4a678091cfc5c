"""Clients that mean harm: none stops the service, slows it for others, or costs it for long.

``attack`` says what one is and what it is aimed at, every other module holds those of one family,
and ``families`` puts them together.
"""
