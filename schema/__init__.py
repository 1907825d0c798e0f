"""What should exist: the schema model, and the SiteLogix tables as data."""
