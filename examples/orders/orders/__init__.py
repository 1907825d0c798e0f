"""The tables of an order service: a small second project, as another team would write it."""
