"""Credentials: certificates, tokens and whom they stand for, in files that may change."""
