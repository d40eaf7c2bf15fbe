"""What is not ours, played for development: one folder per party. We call it and it calls us; nothing imports it."""
