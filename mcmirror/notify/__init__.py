"""Who is told: report files."""
