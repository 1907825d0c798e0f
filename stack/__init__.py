"""What is known of one stack: its settings, its live tables, Pulumi's state of it, and what has been proven."""
