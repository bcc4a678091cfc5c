"""Version 1 of the wire contract: messages and stubs generated from the ``.proto`` files beside this."""
