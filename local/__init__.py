"""The embedded default: a moto server as a background process, the pre-migration data set, a stand-in aws plugin."""
