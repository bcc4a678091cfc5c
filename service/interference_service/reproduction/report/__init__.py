"""What an experiment's records say of the claim, in text, tables and figures."""
