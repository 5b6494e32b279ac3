"""What every command needs: locks, files, logs, signals."""
