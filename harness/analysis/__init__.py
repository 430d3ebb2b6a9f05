"""What results say: rows of a leaderboard, pairs of runs, a release policy. Nothing here prints."""
