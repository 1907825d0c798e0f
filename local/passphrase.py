"""The passphrase of the local stack's secrets."""

PASSPHRASE = "local"  # noqa: S105  # guards nothing: the local state is dummies on this machine
