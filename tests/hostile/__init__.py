"""Model and data references made to hurt the service: none runs code, takes memory, or goes untold.

``reference`` says what one is, every other module holds those of one family, ``trials`` tries them
in processes with little memory, and ``payloads`` has the code that must never run.
"""
