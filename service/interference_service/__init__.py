"""The service: says after every retraining whether majority classes unlearn a minority class."""

__version__ = "0.1.0"
