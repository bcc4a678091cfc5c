"""Trains a network: losses, rules for gradients, schedule, and what it goes on from."""
