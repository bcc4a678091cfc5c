"""The wire contract of gradient-interference; its versions are sub-packages."""
