"""What people are told: one sentence for each fact, and what to do. Pure."""
