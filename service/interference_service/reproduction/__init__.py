"""The paper's networks and its claim, trained and measured again."""
