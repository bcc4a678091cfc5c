"""The whole story on one machine: train on a long tail, submit, look at what interferes."""
