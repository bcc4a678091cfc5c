"""Do the estimators keep their word? Bias, coverage and false findings against known truths."""
