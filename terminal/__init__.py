"""What a person sees: tables, progress, errors with their exit codes, and the invoke program itself."""
